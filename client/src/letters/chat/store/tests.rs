use std::time::SystemTime;

use mixbed_wire::letter::LetterId;

use super::*;
use crate::letters::chat::{Direction, Peer};

fn message(no: u64) -> Message {
    let letter = LetterId::from_bytes([u8::try_from(no).expect("few"); 16]);
    Message {
        no,
        peer: Peer::Silent(letter),
        letter,
        answers: None,
        sent: SystemTime::UNIX_EPOCH,
        text: vec![7; 100],
        direction: Direction::Received { read: false, offer: None },
    }
}

#[test]
fn what_was_written_is_there_after_a_restart_and_what_was_forgotten_is_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let bob: ContactName = "bob".parse().expect("a name");
    let address = MailboxAddress {
        gateway: mixbed_wire::NodeId::from_bytes([1; 8]),
        key: mixbed_wire::MailboxPublic::from_bytes([2; 32]),
    };
    {
        let (mut store, messages, contacts) = Store::open(dir.path()).expect("new");
        assert!(messages.is_empty() && contacts.is_empty());
        assert!(matches!(Store::open(dir.path()), Err(HistoryError::Locked { .. })));
        let written = vec![message(1), message(2), message(3)];
        store.apply(&Changes { written, removed: Vec::new() }).expect("written");
        store.apply(&Changes { written: Vec::new(), removed: vec![2] }).expect("written");
        store.set_contact(&bob, Some(&address)).expect("written");
        store.set_contact(&"eve".parse().expect("a name"), None).expect("nothing to do");
        store.compact().expect("smaller");
    }
    let (_, messages, contacts) = Store::open(dir.path()).expect("there");
    assert_eq!(messages, [message(1), message(3)]);
    assert_eq!(contacts, Contacts::from([(bob, address)]));
}

#[test]
fn a_damaged_file_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join(FILE), [7; 5000]).expect("written");
    let error = Store::open(dir.path()).expect_err("damaged");
    assert!(error.to_string().contains("chat.redb is damaged"), "{error}");
}
