//! A transaction's way through the network, read from its spans.

mod table;
mod way;

pub(crate) use table::{duration, packet_count, render, rough};
pub(crate) use way::Way;
#[cfg(test)]
pub(crate) use way::{HopRow, PacketWay};
