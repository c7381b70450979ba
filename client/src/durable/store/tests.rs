use std::time::{Duration, SystemTime};

use super::rows::{ACCEPTED, DETAILS, ORDERS, PENDING, PROGRESS, TRANSACTIONS};
use super::*;
use crate::durable::watch::Watch;
use crate::durable::{BroadcastRecord, BroadcastState};

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
