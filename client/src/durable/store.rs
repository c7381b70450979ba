//! The journal on disk.
//!
//! `broadcasts.redb`: one redb file, each change one transaction, on the disk when it returns.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mixbed_monero::TxId;
use redb::{
    Builder, Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    TableError, TableHandle, backends::InMemoryBackend,
};

use super::journal::Entry;
use super::watch::Watch;
use super::{BroadcastRecord, BroadcastState, JournalError};
use crate::file;

const FILE: &str = "broadcasts.redb";
/// 2 since accepted transactions are looked for. A journal of format 1 is gone on with.
const FORMAT: u64 = 2;
const CACHE_BYTES: usize = 4 << 20;

/// `format`.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// By transaction id: ordered and expires in ms since 1970, bytes, whether traced, the provider
/// that was asked for or nothing.
const ORDERS: TableDefinition<'_, &[u8; 32], (u64, u64, u64, bool, &str)> =
    TableDefinition::new("orders");

/// By transaction id: the raw transaction, until the broadcast has ended.
const TRANSACTIONS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("transactions");

/// By transaction id: tries, state, when it ended in ms, whether monerod knew it, the height of
/// its block plus one or 0, the provider that had the last word, words.
type Progress<'a> = (u32, u8, u64, bool, u64, &'a str, &'a str);
const PROGRESS: TableDefinition<'_, &[u8; 32], Progress<'_>> = TableDefinition::new("progress");

/// By transaction id: whether denials count, the wait at a provider in ms, if it still is to be; the
/// deadline and the time from monerod to monerod in ms, the number of looks, until when it is held
/// in ms, confirmations of its block, the provider that confirmed it, those that were found out, a
/// line each. Missing for those that ended under format 1.
type Details<'a> = (bool, Option<u64>, u64, u64, u32, u64, u64, &'a str, &'a str);
const DETAILS: TableDefinition<'_, &[u8; 32], Details<'_>> = TableDefinition::new("details");

const PENDING: u8 = 0;
const ACCEPTED: u8 = 1;
const REJECTED: u8 = 2;
const EXPIRED: u8 = 3;
const HELD: u8 = 4;
const MINED: u8 = 5;

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
        let entries = store.load().map_err(|error| store.failed(error))?;
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
                tables.orders.remove(txid.as_bytes())?;
                tables.progress.remove(txid.as_bytes())?;
                tables.details.remove(txid.as_bytes())?;
                tables.transactions.remove(txid.as_bytes())?;
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
            {
                let mut tables = Tables {
                    orders: write.open_table(ORDERS)?,
                    transactions: write.open_table(TRANSACTIONS)?,
                    progress: write.open_table(PROGRESS)?,
                    details: write.open_table(DETAILS)?,
                };
                change(&mut tables)?;
            }
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
        write.open_table(ORDERS)?;
        write.open_table(TRANSACTIONS)?;
        write.open_table(PROGRESS)?;
        write.open_table(DETAILS)?;
        write.commit()?;
        Ok(())
    }

    fn load(&self) -> Result<Vec<Entry>, redb::Error> {
        let read = self.database.begin_read()?;
        let progress = read.open_table(PROGRESS)?;
        let transactions = read.open_table(TRANSACTIONS)?;
        let details = read.open_table(DETAILS)?;
        let mut entries = Vec::new();
        for row in read.open_table(ORDERS)?.iter()? {
            let (id, order) = row?;
            let txid = TxId::from(*id.value());
            let corrupt = |what: &str| redb::Error::Corrupted(format!("{what} of {txid}"));
            let done = progress.get(id.value())?.ok_or_else(|| corrupt("no state"))?;
            let raw = transactions.get(id.value())?.map(|raw| raw.value().into());
            let details = details.get(id.value())?;
            let details = details.as_ref().map_or(UNWATCHED, redb::AccessGuard::value);
            let entry = entry(txid, order.value(), done.value(), details, raw);
            entries.push(entry.ok_or_else(|| corrupt("a state that makes no sense"))?);
        }
        Ok(entries)
    }

    /// A write that did not come to its end.
    pub(super) fn unwritten(&self, why: tokio::task::JoinError) -> JournalError {
        JournalError::Io { path: self.path.clone(), source: io::Error::other(why) }
    }

    fn failed(&self, error: redb::Error) -> JournalError {
        JournalError::of(&self.path, error.into())
    }
}

struct Tables<'a> {
    orders: redb::Table<'a, &'static [u8; 32], (u64, u64, u64, bool, &'static str)>,
    transactions: redb::Table<'a, &'static [u8; 32], &'static [u8]>,
    progress: redb::Table<'a, &'static [u8; 32], Progress<'static>>,
    details: redb::Table<'a, &'static [u8; 32], Details<'static>>,
}

impl Tables<'_> {
    fn put(&mut self, entry: &Entry) -> Result<(), redb::Error> {
        let BroadcastRecord { txid, bytes, ordered, expires, tries, trouble, .. } = &entry.record;
        let id = txid.as_bytes();
        let bytes = u64::try_from(*bytes).unwrap_or(u64::MAX);
        let wanted = entry.provider.as_deref().unwrap_or_default();
        self.orders
            .insert(id, (millis(*ordered), millis(*expires), bytes, entry.traced, wanted))?;
        let trouble = trouble.as_deref().unwrap_or_default();
        let (mut until, mut number, mut second) = (0, 0, "");
        let progress = match &entry.record.state {
            BroadcastState::Pending => (*tries, PENDING, 0, false, 0, "", trouble),
            BroadcastState::Held { provider, until: held } => {
                until = millis(*held);
                (*tries, HELD, 0, false, 0, provider.as_str(), trouble)
            }
            // Whether it is watched shows by whether its bytes are there.
            BroadcastState::Accepted { provider, already_known, at, confirmed_by, .. } => {
                second = confirmed_by.as_deref().unwrap_or_default();
                (*tries, ACCEPTED, millis(*at), *already_known, 0, provider.as_str(), trouble)
            }
            BroadcastState::Mined { provider, by, height, confirmations, at } => {
                (number, second) = (*confirmations, by);
                let mined = height.saturating_add(1);
                (*tries, MINED, millis(*at), false, mined, provider.as_str(), trouble)
            }
            BroadcastState::Rejected { provider, words, at } => {
                (*tries, REJECTED, millis(*at), false, 0, provider.as_str(), words.as_str())
            }
            BroadcastState::Expired { at } => (*tries, EXPIRED, millis(*at), false, 0, "", trouble),
        };
        self.progress.insert(id, progress)?;
        let found_out = entry.record.found_out.join("\n");
        let (wait, deadline) = (entry.wait.map(in_millis), in_millis(entry.deadline));
        let propagation = in_millis(entry.propagation);
        let BroadcastRecord { looks, confirm, .. } = entry.record;
        let found_out = found_out.as_str();
        self.details.insert(
            id,
            (confirm, wait, deadline, propagation, looks, until, number, second, found_out),
        )?;
        match &entry.raw {
            // It never changes, and is the largest part by far.
            Some(raw) if self.transactions.get(id)?.is_none() => {
                self.transactions.insert(id, &raw[..])?;
            }
            Some(_) => {}
            None => {
                self.transactions.remove(id)?;
            }
        }
        Ok(())
    }
}

/// What is known of those that were ordered under format 1.
const UNWATCHED: Details<'static> = (true, None, 60_000, 30_000, 0, 0, 0, "", "");

/// An entry from its rows; none if they do not belong together.
fn entry(
    txid: TxId,
    (ordered, expires, bytes, traced, wanted): (u64, u64, u64, bool, &str),
    (tries, state, at, already_known, mined, provider, words): Progress<'_>,
    details: Details<'_>,
    raw: Option<std::sync::Arc<[u8]>>,
) -> Option<Entry> {
    let (confirm, wait, deadline, propagation, looks, until, number, second, found_out) = details;
    let at = time(at)?;
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let provider = provider.to_owned();
    let mut trouble = text(words);
    let state = match state {
        PENDING => BroadcastState::Pending,
        HELD => BroadcastState::Held { provider, until: time(until)? },
        ACCEPTED => {
            let (confirmed_by, watched) = (text(second), raw.is_some());
            BroadcastState::Accepted { provider, already_known, at, confirmed_by, watched }
        }
        MINED => BroadcastState::Mined {
            provider,
            by: second.to_owned(),
            height: mined.checked_sub(1)?,
            confirmations: number,
            at,
        },
        REJECTED => {
            let words = trouble.take().unwrap_or_default();
            BroadcastState::Rejected { provider, words, at }
        }
        EXPIRED => BroadcastState::Expired { at },
        _ => return None,
    };
    if state.has_ended() == raw.is_some() {
        return None;
    }
    let record = BroadcastRecord {
        txid,
        bytes: usize::try_from(bytes).ok()?,
        ordered: time(ordered)?,
        expires: time(expires)?,
        tries,
        trouble,
        confirm,
        looks,
        found_out: found_out.lines().map(str::to_owned).collect(),
        state,
        report: None,
    };
    if raw.as_ref().is_some_and(|raw| raw.len() != record.bytes) {
        return None;
    }
    Some(Entry {
        record,
        provider: text(wanted),
        traced,
        propagation: Duration::from_millis(propagation),
        wait: wait.map(Duration::from_millis),
        deadline: Duration::from_millis(deadline),
        raw,
        watch: Watch::default(),
    })
}

fn in_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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

    fn entry_in(state: BroadcastState, number: u8) -> Entry {
        let record = BroadcastRecord {
            txid: TxId::from([number; 32]),
            bytes: 1000,
            ordered: at(1),
            expires: at(100),
            tries: 3,
            trouble: (state.name() != "rejected").then(|| "no link".to_owned()),
            confirm: number != 2,
            looks: number.into(),
            found_out: (1..number).map(|liar| format!("provider-{liar}")).collect(),
            state,
            report: None,
        };
        let raw = (!record.state.has_ended()).then(|| [number; 1000].as_slice().into());
        Entry {
            record,
            provider: Some("provider-1".to_owned()),
            traced: number == 1,
            propagation: Duration::from_secs(30),
            wait: (number == 1).then_some(Duration::from_secs(7)),
            deadline: Duration::from_secs(60),
            raw,
            watch: Watch::default(),
        }
    }

    fn one_of_each() -> Vec<Entry> {
        let provider = || "provider-0".to_owned();
        let accepted = |confirmed_by, watched| BroadcastState::Accepted {
            provider: provider(),
            already_known: true,
            at: at(7),
            confirmed_by,
            watched,
        };
        let words = "the fee is too low".to_owned();
        [
            BroadcastState::Pending,
            accepted(None, true),
            accepted(Some("provider-2".to_owned()), true),
            accepted(None, false),
            BroadcastState::Held { provider: provider(), until: at(9) },
            BroadcastState::Mined {
                provider: provider(),
                by: "provider-2".to_owned(),
                height: 0,
                confirmations: 3,
                at: at(10),
            },
            BroadcastState::Rejected { provider: provider(), words, at: at(8) },
            BroadcastState::Expired { at: at(100) },
        ]
        .into_iter()
        .zip(1..)
        .map(|(state, number)| entry_in(state, number))
        .collect()
    }

    #[test]
    fn what_was_written_is_there_after_a_restart() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state");
        let entries = one_of_each();
        {
            let (store, known) = Store::open(&path).expect("new");
            assert_eq!(known, []);
            assert!(matches!(Store::open(&path), Err(JournalError::Locked { .. })));
            for entry in &entries {
                let pending = entry_in(BroadcastState::Pending, entry.record.txid.as_bytes()[0]);
                store.put(&pending).expect("written");
                store.put(entry).expect("written");
            }
        }
        {
            let (store, known) = Store::open(&path).expect("there");
            assert_eq!(known, entries);
            store.remove(&[entries[0].record.txid, entries[1].record.txid]).expect("written");
        }
        let (_, known) = Store::open(&path).expect("there");
        assert_eq!(known, entries[2..]);
    }

    /// Begun before accepted transactions were looked for.
    #[test]
    fn a_journal_of_format_1_is_gone_on_with() {
        let dir = tempfile::tempdir().expect("a directory");
        drop(Store::open(dir.path()).expect("new"));
        let database = Database::create(dir.path().join(FILE)).expect("there");
        let write = database.begin_write().expect("begun");
        write.delete_table(DETAILS).expect("deleted");
        {
            let mut numbers = write.open_table(NUMBERS).expect("opened");
            numbers.insert("format", 1).expect("inserted");
            let mut orders = write.open_table(ORDERS).expect("opened");
            let mut progress = write.open_table(PROGRESS).expect("opened");
            let mut raw = write.open_table(TRANSACTIONS).expect("opened");
            for number in [1, 2] {
                orders.insert(&[number; 32], (1, 2, 3, true, "")).expect("inserted");
            }
            progress.insert(&[1; 32], (1, PENDING, 0, false, 0, "", "")).expect("inserted");
            raw.insert(&[1; 32], &[7, 7, 7][..]).expect("inserted");
            let done = (1, ACCEPTED, 7000, true, 0, "provider-0", "");
            progress.insert(&[2; 32], done).expect("inserted");
        }
        write.commit().expect("written");
        drop(database);
        for _ in 0..2 {
            let (store, known) = Store::open(dir.path()).expect("gone on with");
            let [pending, accepted] = &known[..] else { panic!("two") };
            assert_eq!(pending.record.state, BroadcastState::Pending);
            assert!(pending.record.confirm && pending.raw.is_some());
            assert!(accepted.record.is_accepted() && accepted.record.state.has_ended());
            store.put(pending).expect("written");
        }
    }

    /// Opens what these bytes are, and asserts that it is refused and stays as it is.
    fn refused(path: &Path) -> JournalError {
        let file = path.join(FILE);
        let before = std::fs::read(&file).expect("there");
        let error = Store::open(path).expect_err("not ours");
        assert!(std::fs::read(&file).expect("there") == before, "{error}");
        error
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        for damage in [vec![7; 5000], b"mixbed".to_vec()] {
            let dir = tempfile::tempdir().expect("a directory");
            std::fs::write(dir.path().join(FILE), damage).expect("written");
            let error = refused(dir.path());
            assert!(matches!(error, JournalError::Corrupt { .. }), "{error}");
            assert!(error.to_string().contains("move it away"), "{error}");
        }
    }

    #[test]
    fn a_file_that_was_cut_off_is_named_or_whole() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(FILE);
        let (store, _) = Store::open(dir.path()).expect("new");
        for entry in one_of_each() {
            store.put(&entry).expect("written");
        }
        drop(store);
        let whole = std::fs::read(&file).expect("there");
        for keep in [10, 1000, 5000, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&file, &whole[..keep]).expect("written");
            let error = Store::open(dir.path()).expect_err("cut off").to_string();
            assert!(error.contains("broadcasts.redb"), "{keep}: {error}");
        }
    }

    #[test]
    fn another_programs_file_and_a_newer_versions_are_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(FILE);
        let table: TableDefinition<'_, u64, u64> = TableDefinition::new("numbers");
        let database = Database::create(&file).expect("new");
        let write = database.begin_write().expect("begun");
        write.open_table(table).expect("opened").insert(1, 2).expect("inserted");
        write.commit().expect("written");
        drop(database);
        let error = Store::open(dir.path()).expect_err("another's");
        assert!(error.to_string().contains("another program's"), "{error}");

        std::fs::remove_file(&file).expect("removed");
        drop(Store::open(dir.path()).expect("new"));
        let database = Database::create(&file).expect("there");
        let write = database.begin_write().expect("begun");
        write.open_table(NUMBERS).expect("opened").insert("format", 9).expect("inserted");
        write.commit().expect("written");
        drop(database);
        let error = Store::open(dir.path()).expect_err("newer");
        assert!(matches!(error, JournalError::Newer { found: 9, known: 2, .. }), "{error}");
    }
}
