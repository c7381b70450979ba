//! Why an authority's state cannot be read or written.

use std::io;
use std::path::PathBuf;

use super::FORMAT;

/// Why state cannot be read or written.
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
    /// Another authority uses the directory.
    #[error("{path} is in use by another process: is a directory running already?", path = .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// What stands in the file is no state.
    #[error("{path} is damaged ({what}): restore a copy; with a new file the network gets a new key, and every node and client has to be told", path = .path.display())]
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
