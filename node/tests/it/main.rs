//! A real node between peers that the test plays by hand.

mod cover;
mod gateway;
mod hostile;
mod packets;
mod rig;
