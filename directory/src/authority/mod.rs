//! The authority: lists nodes and signs documents.

mod actor;
mod clock_watch;
mod config;
mod core;
mod counters;
mod encoding;
mod epochs;
mod freshness;
mod incoming;
mod links;
mod members;
mod pace;
mod running;
mod server;
mod service;
mod snapshot;
mod start_error;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod together;

pub use self::core::{Core, DEBOUNCE, Polled, Registered};
pub use config::{AuthorityConfig, ConfigError, PeerDirectory};
pub use counters::AuthorityCounters;
pub use encoding::SnapshotError;
pub use epochs::Epochs;
pub use freshness::FRESHNESS;
pub use members::{Listing, Member};
pub use running::Authority;
pub use snapshot::{CoreConfig, Issued, Snapshot, Voted};
pub use start_error::StartError;
pub use state::{Pending, StateError, StateStore};
pub use store::{Store, StoreError};

pub use crate::limits::GRACE_EPOCHS;
