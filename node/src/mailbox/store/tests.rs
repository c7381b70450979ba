use std::time::{Duration, SystemTime};

use mixbed_wire::MailboxSecret;
use mixbed_wire::letter::{LETTER_SIZES, MailboxId, Sender};
use mixbed_wire::message::Collect;

use super::tables::NUMBERS;
use super::*;
use crate::mailbox::Put;

const ALICE: MailboxId = MailboxId::from_bytes([1; 16]);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)
}

fn letter(size: usize) -> SealedLetter {
    let text = vec![0; LETTER_SIZES[size] - 117];
    let to = MailboxSecret::from_bytes([9; 32]).public();
    SealedLetter::seal("test", &to, Sender::Unnamed, now(), &text, &mut rand::rng()).expect("fits")
}

fn everything() -> Collect {
    Collect { room: u32::MAX, ..Collect::default() }
}

/// Three letters, of which the first was taken.
fn filled(store: &Store) -> [SealedLetter; 2] {
    let mut m = store.load(MailboxBounds::on_disk()).expect("whole");
    m.handle_collect(ALICE, &everything(), now()).expect("room");
    let [one, two, three] = [letter(0), letter(1), letter(3)];
    for letter in [&one, &two, &three] {
        assert!(matches!(m.handle_put(ALICE, letter.clone(), now()), Put::Kept(_)));
    }
    store.apply(&m.take_changes()).expect("written");
    let taken = Collect { taken: vec![one.id()], ..Collect::default() };
    m.handle_collect(ALICE, &taken, now()).expect("there");
    store.apply(&m.take_changes()).expect("written");
    [two, three]
}

fn waiting(store: &Store) -> Vec<SealedLetter> {
    let mut m = store.load(MailboxBounds::on_disk()).expect("whole");
    let got = m.handle_collect(ALICE, &everything(), now()).expect("there");
    assert_eq!(m.take_changes(), [], "the visit was written down");
    store.letters(&got.letters).expect("read")
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("gateway");
    let left = {
        let store = Store::open(Some(&path)).expect("new");
        assert!(matches!(Store::open(Some(&path)), Err(StoreError::Locked { .. })));
        filled(&store)
    };
    let store = Store::open(Some(&path)).expect("there");
    assert_eq!(waiting(&store), left);
    let mode = std::fs::metadata(path.join(FILE)).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn memory_works_like_a_disk_until_it_is_gone() {
    let store = Store::open(None).expect("memory");
    let left = filled(&store);
    assert_eq!(waiting(&store), left);
}

#[test]
fn a_damaged_file_is_named_and_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join(FILE);
    std::fs::write(&file, vec![0x5a; 10_000]).expect("written");
    let error = Store::open(Some(dir.path())).expect_err("no store").to_string();
    assert!(error.contains("mailboxes.redb is damaged"), "{error}");
    assert_eq!(std::fs::read(&file).expect("there"), vec![0x5a; 10_000]);
    std::fs::remove_file(&file).expect("removed");

    drop(filled(&Store::open(Some(dir.path())).expect("new")));
    let whole = std::fs::read(&file).expect("there");
    // Any page may be hit: it is found at once, or does no harm; never a panic.
    let mut found = 0;
    for place in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[place..(place + 64).min(whole.len())].fill(0xff);
        std::fs::write(&file, &damaged).expect("written");
        let opened = Store::open(Some(dir.path()));
        match opened.and_then(|store| store.load(MailboxBounds::on_disk()).map(drop)) {
            Ok(()) => {}
            Err(StoreError::Corrupt { .. } | StoreError::Format { .. }) => found += 1,
            Err(other) => panic!("at {place}: {other}"),
        }
    }
    assert!(found > 0, "no damage was found");
}

#[test]
fn another_format_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    {
        let store = Store::open(Some(dir.path())).expect("new");
        let write = store.database.begin_write().expect("a transaction");
        write.open_table(NUMBERS).expect("there").insert("format", 2).expect("written");
        write.commit().expect("written");
    }
    let error = Store::open(Some(dir.path())).expect_err("another format");
    assert!(error.to_string().contains("has format 2, this program reads format 1"), "{error}");
}

#[test]
fn the_file_does_not_grow_with_what_comes_and_goes() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(Some(dir.path())).expect("new");
    let bounds = MailboxBounds { mailboxes: 4, ..MailboxBounds::on_disk() };
    let mut m = store.load(bounds).expect("whole");
    let ids = [1, 2, 3, 4].map(|n| MailboxId::from_bytes([n; 16]));
    for id in ids {
        m.handle_collect(id, &everything(), now()).expect("room");
    }
    // Filled and emptied again and again, as a flood into mailboxes that are read does.
    for _ in 0..6 {
        for id in ids {
            let mut taken = Vec::new();
            loop {
                let letter = letter(3);
                taken.push(letter.id());
                if m.handle_put(id, letter, now()) == Put::Full {
                    break;
                }
                store.apply(&m.take_changes()).expect("written");
            }
            assert!(m.bytes() <= 4 << 20);
            let size = std::fs::metadata(dir.path().join(FILE)).expect("there").len();
            assert!(size < 2 * (4 << 20), "{size} bytes for {} of letters", m.bytes());
            if id == ids[3] {
                for id in ids {
                    let got = m.handle_collect(id, &everything(), now()).expect("there");
                    let letters = store.letters(&got.letters).expect("read");
                    let taken = letters.iter().map(SealedLetter::id).collect();
                    m.handle_collect(id, &Collect { taken, ..Collect::default() }, now());
                    store.apply(&m.take_changes()).expect("written");
                }
            }
        }
    }
}
