//! Why an authority does not start.

use std::io;
use std::net::SocketAddr;

use super::config::ConfigError;
use super::state::StateError;

/// Why an authority does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A value out of its range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on, mostly as its port is in use.
    #[error("the directory cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// What it has to remember cannot be read, or belongs to another.
    #[error(transparent)]
    State(#[from] StateError),
    /// The first document could not be made or written.
    #[error("the directory could not write its first document: {0}")]
    NothingToServe(String),
}
