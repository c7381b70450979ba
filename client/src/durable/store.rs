//! The journal on disk.
//!
//! `broadcasts.redb`: one redb file, each change one transaction, on the disk when it returns.

mod rows;

use std::io;
use std::path::{Path, PathBuf};

use mixbed_monero::TxId;
use redb::{
    Builder, Database, ReadableDatabase, ReadableTableMetadata, TableDefinition, TableError,
    TableHandle, backends::InMemoryBackend,
};

use self::rows::Tables;
use super::JournalError;
use super::journal::Entry;
use crate::file;

const FILE: &str = "broadcasts.redb";
/// 2 since accepted transactions are looked for. A journal of format 1 is gone on with.
const FORMAT: u64 = 2;
const CACHE_BYTES: usize = 4 << 20;

/// `format`.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// The file; nobody else can open it meanwhile.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    /// Opens the file in a directory, or begins one. A file with anything else in it stays as it
    /// is.
    pub(super) fn open(directory: &Path) -> Result<(Self, Vec<Entry>), JournalError> {
        let path = directory.join(FILE);
        let database = file::open(directory, &path, CACHE_BYTES)
            .map_err(|error| JournalError::of(&path, error))?;
        let store = Self { path, database };
        store.check_format()?;
        let read = || rows::entries(&store.database.begin_read()?);
        let entries = read().map_err(|error| store.failed(error))?;
        Ok((store, entries))
    }

    /// A journal that is forgotten with the process.
    pub(super) fn in_memory() -> Result<Self, JournalError> {
        let path = PathBuf::from("the journal in memory");
        let database = Builder::new().create_with_backend(InMemoryBackend::new());
        let database = database.map_err(|error| JournalError::Io {
            path: path.clone(),
            source: io::Error::other(error),
        })?;
        let store = Self { path, database };
        store.check_format()?;
        Ok(store)
    }

    /// Writes a broadcast down, new or changed; it is on the disk when this returns.
    pub(super) fn put(&self, entry: &Entry) -> Result<(), JournalError> {
        self.write(|tables| tables.put(entry))
    }

    /// Forgets broadcasts.
    pub(super) fn remove(&self, forgotten: &[TxId]) -> Result<(), JournalError> {
        self.write(|tables| {
            for txid in forgotten {
                tables.remove(*txid)?;
            }
            Ok(())
        })
    }

    fn write(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<(), redb::Error>,
    ) -> Result<(), JournalError> {
        let write = || {
            let write = self.database.begin_write()?;
            change(&mut Tables::open(&write)?)?;
            write.commit()?;
            Ok::<_, redb::Error>(())
        };
        write().map_err(|error| self.failed(error))
    }

    /// Looks before it writes: what another program or version made is not touched.
    fn check_format(&self) -> Result<(), JournalError> {
        let corrupt =
            |what: &str| JournalError::Corrupt { path: self.path.clone(), what: what.to_owned() };
        let format = || {
            let read = self.database.begin_read()?;
            let mut tables = read.list_tables()?;
            if !tables.any(|table| table.name() == NUMBERS.name()) {
                return Ok((read.list_tables()?.next().is_none(), None));
            }
            let numbers = match read.open_table(NUMBERS) {
                Ok(numbers) => numbers,
                Err(TableError::Storage(error)) => return Err(redb::Error::from(error)),
                Err(_) => return Ok((false, None)),
            };
            let format = numbers.get("format")?.map(|format| format.value());
            Ok((numbers.is_empty()?, format))
        };
        match format().map_err(|error| self.failed(error))? {
            (_, Some(FORMAT)) => Ok(()),
            // What it lacks is made: the tables of then are as they were.
            (_, Some(1)) => self.begin().map_err(|error| self.failed(error)),
            (_, Some(found)) if found > FORMAT => {
                Err(JournalError::Newer { path: self.path.clone(), found, known: FORMAT })
            }
            (true, None) => self.begin().map_err(|error| self.failed(error)),
            _ => Err(corrupt("its tables are another program's")),
        }
    }

    fn begin(&self) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        write.open_table(NUMBERS)?.insert("format", FORMAT)?;
        drop(Tables::open(&write)?);
        write.commit()?;
        Ok(())
    }

    /// A write that did not come to its end.
    pub(super) fn unwritten(&self, why: tokio::task::JoinError) -> JournalError {
        JournalError::Io { path: self.path.clone(), source: io::Error::other(why) }
    }

    fn failed(&self, error: redb::Error) -> JournalError {
        JournalError::of(&self.path, error.into())
    }
}

#[cfg(test)]
mod tests;
