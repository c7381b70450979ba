//! A packet's way through a node: counted in, unwrapped by a worker, held in the mixing pool,
//! handed to a link or to the node's own service, counted out.

mod keys;
mod mixing;
mod origin;
mod pool;
mod seen;
mod share;
mod stay;
mod workers;

pub(crate) use keys::{KeyRing, KeySet};
pub(crate) use mixing::{Held, hand_over, spawn_mixing};
pub(crate) use origin::{Origin, Shares, Turn};
pub(crate) use pool::MixPool;
pub(crate) use seen::ReplayRoom;
pub(crate) use share::{Part, Place, Share, Source};
pub(crate) use stay::{Books, Stay};
pub(crate) use workers::{Arrived, BATCH, Entrance, Forward, Hop, Workers};
