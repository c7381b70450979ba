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
    /// Other machines could reach it, and nobody said that they may.
    #[error(
        "{address} can be reached from other machines: the daemon RPC endpoint speaks in clear and \
         asks nobody who they are. Listen on 127.0.0.1, or say that this is meant \
         (--monero-rpc-exposed)"
    )]
    Exposed {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// That is no daemon to sync from.
    #[error("cannot sync from {url}: {why}")]
    Sync {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}
