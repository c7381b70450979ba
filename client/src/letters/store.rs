//! Which letters were accepted, on disk.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mixbed_wire::NodeId;
use mixbed_wire::letter::{LetterId, MailboxId};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::inbox::{Changes, Inbox};
use crate::file::{self, FileError};

const FILE: &str = "letters.redb";
const FORMAT: u64 = 1;
const CACHE_BYTES: usize = 1 << 20;

/// `format`, and `floor` in ms since 1970.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// `mailbox`: whose letters these are; `gateway`: where the mailbox is.
const NAMES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("names");

/// By id: when the letter was sealed, or accepted if its sender's clock was ahead, in ms since 1970.
const ACCEPTED: TableDefinition<'_, &[u8; 16], u64> = TableDefinition::new("accepted");

/// Why it cannot be read or written which letters were accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptedError {
    /// The file system says no.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// Another client uses the file.
    #[error("{path} is in use by another process: a mailbox has one reader at a time", path = .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// The file is of no use.
    #[error("{path} is damaged ({what}): move it away, and letters that were accepted but not yet confirmed come again", path = .path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It belongs to another key.
    #[error("{path} is of another mailbox: use a directory for each", path = .path.display())]
    OtherMailbox {
        /// Which file.
        path: PathBuf,
    },
}

impl AcceptedError {
    fn of(path: &Path, error: FileError) -> Self {
        let path = path.to_owned();
        match error {
            FileError::Io(source) => Self::Io { path, source },
            FileError::Locked => Self::Locked { path },
            FileError::Corrupt(what) => Self::Corrupt { path, what },
        }
    }
}

/// The file; nobody else can open it meanwhile.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    database: Database,
}

/// What the file says.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) inbox: Inbox,
    pub(super) gateway: Option<NodeId>,
}

impl Store {
    /// Opens a mailbox's file in a directory, or begins one.
    pub(super) fn open(
        directory: &Path,
        mailbox: MailboxId,
    ) -> Result<(Self, Known), AcceptedError> {
        let path = directory.join(FILE);
        let database = file::open(directory, &path, CACHE_BYTES)
            .map_err(|error| AcceptedError::of(&path, error))?;
        let store = Self { path, database };
        store.begin(mailbox).map_err(|error| store.failed(error))?;
        let (whose, known) = store.load().map_err(|error| store.failed(error))?;
        if whose != *mailbox.as_bytes() {
            return Err(AcceptedError::OtherMailbox { path: store.path });
        }
        Ok((store, known))
    }

    fn begin(&self, mailbox: MailboxId) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut numbers = write.open_table(NUMBERS)?;
            if numbers.get("format")?.is_none() {
                numbers.insert("format", FORMAT)?;
            }
            let mut names = write.open_table(NAMES)?;
            if names.get("mailbox")?.is_none() {
                names.insert("mailbox", mailbox.as_bytes().as_slice())?;
            }
            write.open_table(ACCEPTED)?;
        }
        write.commit()?;
        Ok(())
    }

    fn load(&self) -> Result<(Vec<u8>, Known), redb::Error> {
        let read = self.database.begin_read()?;
        let corrupt = |what: &str| redb::Error::Corrupted(what.to_owned());
        let numbers = read.open_table(NUMBERS)?;
        if numbers.get("format")?.map(|format| format.value()) != Some(FORMAT) {
            return Err(corrupt("another format"));
        }
        let floor = numbers.get("floor")?.and_then(|floor| time(floor.value()));
        let names = read.open_table(NAMES)?;
        let mailbox = names.get("mailbox")?.map(|id| id.value().to_vec()).unwrap_or_default();
        let gateway = names.get("gateway")?.and_then(|id| id.value().try_into().ok());
        let mut accepted = Vec::new();
        for row in read.open_table(ACCEPTED)?.iter()? {
            let (id, sent) = row?;
            let sent = time(sent.value()).ok_or_else(|| corrupt("a time beyond all times"))?;
            accepted.push((LetterId::from_bytes(*id.value()), sent));
        }
        let inbox = Inbox::restore(accepted, floor);
        Ok((mailbox, Known { inbox, gateway: gateway.map(NodeId::from_bytes) }))
    }

    /// Writes down where the mailbox is.
    pub(super) fn set_gateway(&self, gateway: NodeId) -> Result<(), AcceptedError> {
        let write = || {
            let write = self.database.begin_write()?;
            write.open_table(NAMES)?.insert("gateway", gateway.to_bytes().as_slice())?;
            write.commit()?;
            Ok::<_, redb::Error>(())
        };
        write().map_err(|error| self.failed(error))
    }

    /// Writes changes down; they are on the disk when this returns.
    pub(super) fn apply(&self, changes: &Changes) -> Result<(), AcceptedError> {
        let write = || {
            let write = self.database.begin_write()?;
            {
                let mut accepted = write.open_table(ACCEPTED)?;
                for (id, sent) in &changes.accepted {
                    accepted.insert(id.as_bytes(), millis(*sent))?;
                }
                for id in &changes.forgotten {
                    accepted.remove(id.as_bytes())?;
                }
                if let Some(floor) = changes.floor {
                    write.open_table(NUMBERS)?.insert("floor", millis(floor))?;
                }
            }
            write.commit()?;
            Ok::<_, redb::Error>(())
        };
        write().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: redb::Error) -> AcceptedError {
        AcceptedError::of(&self.path, error.into())
    }
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_accepted_is_known_after_a_restart() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("alice");
        let [mine, other] = [1, 2].map(|n| MailboxId::from_bytes([n; 16]));
        let [one, two] = [3, 4].map(|n| LetterId::from_bytes([n; 16]));
        let gateway = NodeId::from_bytes([5; 8]);
        {
            let (store, known) = Store::open(&path, mine).expect("new");
            assert_eq!(known.gateway, None);
            assert!(matches!(Store::open(&path, mine), Err(AcceptedError::Locked { .. })));
            store.set_gateway(gateway).expect("written");
            let accepted = vec![(one, at(1)), (two, at(2))];
            store.apply(&Changes { accepted, ..Changes::default() }).expect("written");
            let floor = Some(at(1));
            store
                .apply(&Changes { forgotten: vec![one], floor, ..Changes::default() })
                .expect("written");
        }
        let (_, known) = Store::open(&path, mine).expect("there");
        assert_eq!(known.gateway, Some(gateway));
        let expected = Inbox::restore([(two, at(2))], Some(at(1)));
        assert_eq!(format!("{:?}", known.inbox), format!("{expected:?}"));
        assert!(matches!(Store::open(&path, other), Err(AcceptedError::OtherMailbox { .. })));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join(FILE), [7; 5000]).expect("written");
        let error = Store::open(dir.path(), MailboxId::from_bytes([1; 16])).expect_err("damaged");
        assert!(error.to_string().contains("letters.redb is damaged"), "{error}");
    }
}
