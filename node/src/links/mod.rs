//! A node's links: those that others dial, those it dials, and the table of where packets can go.

mod bucket;
mod door;
mod downlink;
mod impaired;
mod incoming;
mod listener;
mod outgoing;
mod pace;
mod standing;
mod table;

pub(crate) use door::Door;
pub(crate) use listener::Listener;
pub(crate) use outgoing::{Dialler, Peer, drop_queued, spawn_link};
pub(crate) use standing::{Announcer, Standing};
pub(crate) use table::{LinkKind, LinkQueue, LinkTable, Outbound};
