//! Streams over a whole mixnet in this process, to a provider's echo and back.

mod changes;
mod core;
mod failures;
mod lane;
mod rig;
mod transfers;
