//! A real node between peers that the test plays by hand.

mod cover;
mod gateway;
mod hostile;
mod hostile_clients;
mod hostile_nodes;
mod impair;
mod impair_clients;
mod moving;
mod packets;
mod restart;
mod rig;
