//! A node's links: those that others dial, those it dials, and the table of where packets can go.

mod downlink;
mod incoming;
mod outgoing;
mod table;

pub(crate) use incoming::Listener;
pub(crate) use outgoing::{Dialler, Peer, spawn_link};
pub(crate) use table::{LinkQueue, LinkTable, Outbound};
