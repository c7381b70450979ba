//! Why monerod gave no usable answer.

use std::time::Duration;

use crate::rpc::RpcError;

/// Why a question to monerod has no answer.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The request itself failed.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// monerod is synchronising and does not answer this yet.
    #[error("monerod at {url} is busy synchronising; try again later")]
    Busy {
        /// The daemon's address.
        url: String,
    },
    /// monerod answered, with a status that is neither success nor BUSY.
    #[error("monerod at {url} answered with the unexpected status `{status}`")]
    Status {
        /// The daemon's address.
        url: String,
        /// Its status, in its own words.
        status: String,
    },
    /// Blocks were mined, and some transactions are still in none.
    #[error("{missing} of {wanted} transactions are in no block after {} s of mining", after.as_secs())]
    NotMined {
        /// How many are in no block.
        missing: usize,
        /// How many there are.
        wanted: usize,
        /// How long blocks were mined.
        after: Duration,
    },
}

impl DaemonError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rpc(error) => error.is_transient(),
            Self::Busy { .. } => true,
            Self::Status { .. } | Self::NotMined { .. } => false,
        }
    }
}
