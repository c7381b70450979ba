//! Conversations and contacts on disk.

use std::path::{Path, PathBuf};

use mixbed_wire::letter::MailboxAddress;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::codec;
use super::contacts::{ContactName, Contacts};
use super::history::Changes;
use super::{HistoryError, Message};
use crate::file;

const FILE: &str = "chat.redb";
const FORMAT: u64 = 1;
const CACHE_BYTES: usize = 1 << 20;

const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// By number.
const MESSAGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("messages");

/// By name: addresses as text.
const CONTACTS: TableDefinition<'_, &str, &str> = TableDefinition::new("contacts");

/// The file; nobody else can open it meanwhile.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    /// Opens the file in a directory, or begins one.
    pub(super) fn open(directory: &Path) -> Result<(Self, Vec<Message>, Contacts), HistoryError> {
        let path = directory.join(FILE);
        let database = file::open(directory, &path, CACHE_BYTES)
            .map_err(|error| HistoryError::of(&path, error))?;
        let store = Self { path, database };
        store.begin().map_err(|error| store.failed(error))?;
        let (messages, contacts) = store.load().map_err(|error| store.failed(error))?;
        Ok((store, messages, contacts))
    }

    fn begin(&self) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut numbers = write.open_table(NUMBERS)?;
            if numbers.get("format")?.is_none() {
                numbers.insert("format", FORMAT)?;
            }
            write.open_table(MESSAGES)?;
            write.open_table(CONTACTS)?;
        }
        write.commit()?;
        Ok(())
    }

    fn load(&self) -> Result<(Vec<Message>, Contacts), redb::Error> {
        let read = self.database.begin_read()?;
        let corrupt = |what: &str| redb::Error::Corrupted(what.to_owned());
        if read.open_table(NUMBERS)?.get("format")?.map(|format| format.value()) != Some(FORMAT) {
            return Err(corrupt("another format"));
        }
        let mut messages = Vec::new();
        for row in read.open_table(MESSAGES)?.iter()? {
            let message = codec::decode(row?.1.value());
            messages.push(message.ok_or_else(|| corrupt("a message of another form"))?);
        }
        let mut contacts = Contacts::new();
        for row in read.open_table(CONTACTS)?.iter()? {
            let (name, address) = row?;
            let (name, address) = (name.value().parse().ok(), address.value().parse().ok());
            let contact = name.zip(address);
            let (name, address) = contact.ok_or_else(|| corrupt("a contact of another form"))?;
            contacts.insert(name, address);
        }
        Ok((messages, contacts))
    }

    /// Writes changes down; they are on the disk when this returns.
    pub(super) fn apply(&self, changes: &Changes) -> Result<(), HistoryError> {
        let write = || {
            let write = self.database.begin_write()?;
            {
                let mut messages = write.open_table(MESSAGES)?;
                for message in &changes.written {
                    messages.insert(message.no, codec::encode(message).as_slice())?;
                }
                for no in &changes.removed {
                    messages.remove(no)?;
                }
            }
            write.commit()?;
            Ok::<_, redb::Error>(())
        };
        write().map_err(|error| self.failed(error))
    }

    /// Writes a contact down, or that there is none of that name.
    pub(super) fn set_contact(
        &self,
        name: &ContactName,
        address: Option<&MailboxAddress>,
    ) -> Result<(), HistoryError> {
        let write = || {
            let write = self.database.begin_write()?;
            {
                let mut contacts = write.open_table(CONTACTS)?;
                match address {
                    Some(address) => {
                        contacts.insert(name.as_str(), address.to_string().as_str())?;
                    }
                    None => {
                        contacts.remove(name.as_str())?;
                    }
                }
            }
            write.commit()?;
            Ok::<_, redb::Error>(())
        };
        write().map_err(|error| self.failed(error))
    }

    /// Gives the place of what was removed back to the file system.
    pub(super) fn compact(&mut self) -> Result<(), HistoryError> {
        match self.database.compact() {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(error.into())),
        }
    }

    fn failed(&self, error: redb::Error) -> HistoryError {
        HistoryError::of(&self.path, error.into())
    }
}

#[cfg(test)]
mod tests;
