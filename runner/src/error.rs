//! Why a run cannot begin, or ended without an end.

use mixbed_directory::follower::FollowerError;
use mixbed_monero::{DaemonError, WalletError};

use crate::core::SavedError;
use crate::store::StoreError;

/// Why a run cannot begin, or stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The number of transactions, or the list of monerods, is out of bounds.
    #[error("{0}")]
    Config(String),
    /// The report cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in it cannot be gone on with.
    #[error("{place}: {why}; remove it to begin anew")]
    Saved {
        /// Where the report is.
        place: String,
        /// What is wrong with it.
        why: SavedError,
    },
    /// The directory's address is wrong.
    #[error(transparent)]
    Follower(#[from] FollowerError),
    /// A monerod's address is wrong.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// The wallet's address is wrong.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The miner's address is wrong, or there are no means to ask it.
    #[error("the miner cannot be asked: {0}")]
    Miner(String),
    /// It was stopped, and can be gone on with.
    #[error("stopped before its end; {0} has what is needed to go on")]
    Interrupted(String),
}
