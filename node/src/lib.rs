//! One program, three roles: gateway, mix, provider.
//!
//! A [`Node`] takes packets in over links, unwraps them on one worker thread a core, holds each in
//! the mixing pool for the delay its sender asked for, and passes it on; at a provider a route
//! ends in a service. Every packet is counted in once and counted out once, with a reason where it
//! was dropped.

mod address;
mod config;
pub mod core;
mod cover;
mod drain;
mod impair;
mod keeper;
mod links;
pub mod mailbox;
mod node;
mod packets;
mod path;
pub mod provider;
mod replay_watch;
mod replies;
mod topology;

pub use address::AdvertiseError;
pub use config::{Limits, LimitsError, NodeConfig};
pub use cover::LoopTally;
pub use node::{Node, NodeError};
pub use topology::passes_on;
