//! Why letters cannot be read or written.

use std::io;
use std::path::PathBuf;

use super::tables::FORMAT;

/// Why a gateway's letters cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system says no.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Another gateway uses the file.
    #[error("{path} is in use by another process: is a gateway running already?", path = .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// What stands in the file is no store of letters.
    #[error("{path} is damaged ({what}): restore a copy, or move it away and lose the letters and mailboxes in it", path = .path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another version of the program wrote the file.
    #[error("{path} has format {format}, this program reads format {FORMAT}", path = .path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
}

impl StoreError {
    /// Tells a disk that says no from a file that makes no sense.
    pub(super) fn of(path: PathBuf, error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::Io(source) => Self::Io { path, source },
            error => Self::Corrupt { path, what: error.to_string() },
        }
    }
}
