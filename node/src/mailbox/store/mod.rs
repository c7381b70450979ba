//! Letters on disk: each batch of changes in one transaction, synced before it is answered for.

mod error;
mod tables;

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use mixbed_wire::letter::SealedLetter;
use redb::backends::InMemoryBackend;
use redb::{Builder, Database, DatabaseError, ReadableDatabase, StorageError};

pub use error::StoreError;
use tables::{BODIES, Broken, FORMAT, LETTERS, MAILBOXES};

use super::{Change, LetterNo, MailboxBounds, Mailboxes};

const FILE: &str = "mailboxes.redb";

/// What the library keeps of the file in memory; its default is a gigabyte.
const CACHE_BYTES: usize = 4 << 20;

/// A gateway's letters; nobody else can open the file meanwhile.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    /// Opens the file in a directory, or begins one. It is the owner's alone: who gets letters is
    /// nobody else's business. Without a directory letters are kept in memory.
    pub fn open(directory: Option<&Path>) -> Result<Self, StoreError> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES);
        let Some(directory) = directory else {
            let path = PathBuf::from("(memory)");
            let database = builder.create_with_backend(InMemoryBackend::new());
            return Self::begin(path.clone(), database.map_err(|e| StoreError::of(path, e))?);
        };
        let path = directory.join(FILE);
        let io_error = |source| StoreError::Io { path: path.clone(), source };
        let mut dir = DirBuilder::new();
        dir.recursive(true).mode(0o700).create(directory).map_err(io_error)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(io_error)?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(io_error)?;
        drop(file);
        // A damaged file is refused here, not met with a panic later.
        match builder.set_check_integrity_on_open(true).create(&path) {
            Ok(database) => Self::begin(path, database),
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::Locked { path }),
            Err(DatabaseError::Storage(StorageError::Io(source)))
                if source.kind() != io::ErrorKind::InvalidData =>
            {
                Err(StoreError::Io { path, source })
            }
            Err(error) => Err(StoreError::Corrupt { path, what: error.to_string() }),
        }
    }

    /// All tables are there from the beginning, so that reading never misses one.
    fn begin(path: PathBuf, database: Database) -> Result<Self, StoreError> {
        match tables::begin(&database) {
            Ok(FORMAT) => Ok(Self { path, database }),
            Ok(format) => Err(StoreError::Format { path, format }),
            Err(error) => Err(StoreError::of(path, error)),
        }
    }

    /// What is in the file.
    pub fn load(&self, bounds: MailboxBounds) -> Result<Mailboxes, StoreError> {
        let mut mailboxes = Mailboxes::new(bounds);
        let corrupt =
            |what: &str| StoreError::Corrupt { path: self.path.clone(), what: what.to_owned() };
        match tables::load(&self.database, &mut mailboxes) {
            Ok(()) => Ok(mailboxes),
            Err(Broken::Library(error)) => Err(StoreError::of(self.path.clone(), error)),
            Err(Broken::Content(what)) => Err(corrupt(what)),
        }
    }

    /// Writes changes down; they are on the disk when this returns.
    pub fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write(changes).map_err(|error| StoreError::of(self.path.clone(), error))
    }

    fn write(&self, changes: &[Change]) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut mailboxes = write.open_table(MAILBOXES)?;
            let mut letters = write.open_table(LETTERS)?;
            let mut bodies = write.open_table(BODIES)?;
            for change in changes {
                match change {
                    Change::Visited(mailbox, at) => {
                        mailboxes.insert(mailbox.as_bytes(), tables::millis(*at))?;
                    }
                    Change::Closed(mailbox) => {
                        mailboxes.remove(mailbox.as_bytes())?;
                    }
                    Change::Kept { no, mailbox, arrived, letter } => {
                        let bytes = letter.as_bytes();
                        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                        let at = tables::millis(*arrived);
                        let id = letter.id();
                        letters.insert(no.0, (mailbox.as_bytes(), id.as_bytes(), at, size))?;
                        bodies.insert(no.0, bytes)?;
                    }
                    Change::Forgotten(no) => {
                        letters.remove(no.0)?;
                        bodies.remove(no.0)?;
                    }
                }
            }
        }
        write.commit()?;
        Ok(())
    }

    /// The letters with these numbers; those that are no more are left out.
    pub fn letters(&self, numbers: &[LetterNo]) -> Result<Vec<SealedLetter>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        self.read(numbers).map_err(|error| StoreError::of(self.path.clone(), error))
    }

    fn read(&self, numbers: &[LetterNo]) -> Result<Vec<SealedLetter>, redb::Error> {
        let bodies = self.database.begin_read()?.open_table(BODIES)?;
        let mut found = Vec::with_capacity(numbers.len());
        for no in numbers {
            if let Some(bytes) = bodies.get(no.0)?
                && let Ok(letter) = SealedLetter::from_bytes(bytes.value().to_vec())
            {
                found.push(letter);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
