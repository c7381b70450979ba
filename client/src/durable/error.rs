//! What can be wrong with the journal, and with an order.

use std::io;
use std::path::{Path, PathBuf};

use mixbed_monero::TxParseError;

use crate::file::FileError;

/// Why the journal of broadcasts cannot be read or written. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system says no.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Another client uses the file.
    #[error("{path} is in use by another process: each client needs a state directory of its own", path = .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// The file is no journal, or no longer one.
    #[error("{path} is damaged, or no journal of broadcasts ({what}): move it away to begin a new one; broadcasts in it that had not ended are to be ordered again", path = .path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A later version of this program wrote it.
    #[error("{path} was written by a newer version (format {found}, and this one reads {known}): use that version, or another state directory", path = .path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The format that this version reads.
        known: u64,
    },
}

impl JournalError {
    pub(super) fn of(path: &Path, error: FileError) -> Self {
        let path = path.to_owned();
        match error {
            FileError::Io(source) => Self::Io { path, source },
            FileError::Locked => Self::Locked { path },
            FileError::Corrupt(what) => Self::Corrupt { path, what },
        }
    }
}

/// Why a broadcast was not taken on. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastOrderError {
    /// The bytes have no id by which the same transaction could be known again.
    #[error("{0}; what cannot be read cannot be kept for later")]
    Unreadable(#[from] TxParseError),
    /// It is larger than a message may be.
    #[error("{0} bytes are more than a message carries, and more than monerod takes")]
    TooLarge(usize),
    /// Too many are under way.
    #[error(
        "{pending} broadcasts ({bytes} bytes) are under way already: wait for one of them to end"
    )]
    TooMany {
        /// How many.
        pending: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// It could not be written down.
    #[error("not sent, because it could not be written down: {0}")]
    Journal(#[from] JournalError),
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
}
