//! A database file that one client has to itself.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use redb::{Builder, Database, DatabaseError, StorageError};

/// The database takes nothing more after the disk has failed it once; the file is as it was.
const AFTER_IO: &str = "the disk failed before: start the client again when it is well";

/// What can be wrong with the file, whatever is in it.
#[derive(Debug)]
pub(crate) enum FileError {
    Io(io::Error),
    Locked,
    Corrupt(String),
}

/// Opens the file in a directory, for its owner only; makes both where they are missing. A file
/// with anything else in it stays as it is.
pub(crate) fn open(directory: &Path, path: &Path, cache: usize) -> Result<Database, FileError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    drop(options.open(path)?);
    let mut builder = Builder::new();
    builder.set_cache_size(cache).set_check_integrity_on_open(true);
    builder.create(path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => FileError::Locked,
        DatabaseError::Storage(StorageError::Io(source))
            if source.kind() != io::ErrorKind::InvalidData =>
        {
            FileError::Io(source)
        }
        error => FileError::Corrupt(error.to_string()),
    })
}

impl From<io::Error> for FileError {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}

impl From<redb::Error> for FileError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(source) => Self::Io(source),
            redb::Error::PreviousIo => Self::Io(io::Error::other(AFTER_IO)),
            error => Self::Corrupt(error.to_string()),
        }
    }
}
