//! The authority's state in a file: written in one transaction, so that a crash at any moment
//! leaves the state before or after it.

mod error;
mod held;
mod load;
mod save;
mod tables;

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, StorageError};

pub use error::StoreError;
pub(super) use held::HeldStore;
use load::Broken;

use super::snapshot::Snapshot;
use crate::identity::IdentityPublic;

const FILE: &str = "authority.redb";
const FORMAT: u64 = 1;
/// A snapshot is small and read once; the library's default is a gigabyte.
const CACHE_BYTES: usize = 1 << 20;

/// A state directory, open; nobody else can open it meanwhile.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    /// Opens the state in a directory, or begins one. Directory and file are the owner's alone:
    /// the signing key is in it.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let path = state_dir.join(FILE);
        let io_error = |source| StoreError::Io { path: path.clone(), source };
        let mut dir = DirBuilder::new();
        dir.recursive(true).mode(0o700).create(state_dir).map_err(io_error)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(io_error)?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(io_error)?;
        drop(file);
        let opened = Builder::new()
            .set_cache_size(CACHE_BYTES)
            // A damaged file is refused here, not met with a panic later.
            .set_check_integrity_on_open(true)
            .create(&path);
        match opened {
            Ok(database) => Ok(Self { path, database }),
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::Locked { path }),
            Err(DatabaseError::Storage(StorageError::Io(source)))
                if source.kind() != io::ErrorKind::InvalidData =>
            {
                Err(StoreError::Io { path, source })
            }
            Err(error) => Err(StoreError::Corrupt { path, what: error.to_string() }),
        }
    }

    /// The state that was saved last, or nothing in a new directory. The documents' signatures
    /// are verified with the stored key.
    pub fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        load::load(&self.database).map_err(|error| match error {
            Broken::Storage(error) => self.failed(&error),
            Broken::Content(what) => {
                StoreError::Corrupt { path: self.path.clone(), what: what.to_owned() }
            }
            Broken::Format(format) => StoreError::Format { path: self.path.clone(), format },
        })
    }

    /// Writes a state down, on the disk when this returns.
    pub fn save(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        save::save(&self.database, snapshot).map_err(|error| self.failed(&error))
    }

    /// Writes the public key beside it, for people and scripts to copy: `authority.pub`, 64
    /// hexadecimal digits.
    pub fn write_public_key(&self, key: &IdentityPublic) -> Result<(), StoreError> {
        let path = self.path.with_file_name("authority.pub");
        std::fs::write(&path, format!("{key}\n")).map_err(|source| StoreError::Io { path, source })
    }

    fn failed(&self, error: &redb::Error) -> StoreError {
        let path = self.path.clone();
        match error {
            redb::Error::Io(source) => {
                let source = io::Error::new(source.kind(), source.to_string());
                StoreError::Io { path, source }
            }
            error => StoreError::Corrupt { path, what: error.to_string() },
        }
    }
}
