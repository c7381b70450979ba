//! Why a front cannot be started.

use std::io;
use std::net::SocketAddr;

/// A front could not be started.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// Nothing can listen there: the port is taken, or it is no address of this machine.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}
