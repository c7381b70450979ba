#![allow(clippy::disallowed_methods, reason = "any time will do")]

use mixbed_wire::NodeId;
use mixbed_wire::letter::MailboxAddress;

use super::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn address(who: u8) -> MailboxAddress {
    MailboxAddress {
        gateway: NodeId::from_bytes([who; 8]),
        key: MailboxPublic::from_bytes([who; 32]),
    }
}

fn bob() -> Peer {
    Peer::Address(address(2))
}

fn id(n: u8) -> LetterId {
    LetterId::from_bytes([n; 16])
}

fn message(letter: u8, peer: Peer, direction: Direction) -> Message {
    let (text, sent) = (vec![letter; 10], at(letter.into()));
    Message { no: 0, peer, letter: id(letter), answers: None, sent, text, direction }
}

fn sent(letter: u8) -> Message {
    let delivery = Delivery::Sending;
    let direction = Direction::Sent { delivery, unnamed: false, answerable_until: None };
    message(letter, bob(), direction)
}

fn received(letter: u8, offer: Option<ReplyOffer>) -> Message {
    let peer = offer.as_ref().map_or(bob(), |offer| Peer::Unnamed(offer.key));
    message(letter, peer, Direction::Received { read: false, offer })
}

fn offer(key: u8, good_until: u64, blocks: u8) -> ReplyOffer {
    ReplyOffer {
        key: MailboxPublic::from_bytes([key; 32]),
        good_until: at(good_until),
        blocks: (0..blocks).map(|n| [n; REPLY_BLOCK_SIZE]).collect(),
    }
}

fn history(messages: usize) -> History {
    History::restore(HistoryBounds { messages, bytes: 1 << 20 }, 1000, []).0
}

fn delivery(history: &History, no: u64) -> &Delivery {
    history.get(no).and_then(Message::delivery).expect("sent")
}

fn letters(messages: &[Message]) -> Vec<u8> {
    messages.iter().map(|message| message.letter.as_bytes()[0]).collect()
}

#[test]
fn a_receipt_counts_from_the_key_that_the_letter_was_sealed_to_only() {
    let mut history = history(10);
    let (no, _) = history.add(sent(1));
    let kept = Delivery::Kept { gateway: "gateway-0".to_owned(), lasting: HELD };
    assert_eq!(history.set_delivery(no, kept.clone()).written.len(), 1);
    let eve = MailboxPublic::from_bytes([9; 32]);
    assert_eq!(history.handle_receipt(&id(1), &eve, at(5)), Changes::default());
    assert_eq!(history.handle_receipt(&id(7), &address(2).key, at(5)), Changes::default());
    assert_eq!(delivery(&history, no), &kept);
    let changes = history.handle_receipt(&id(1), &address(2).key, at(5));
    assert_eq!(changes.written.len(), 1);
    let delivered = Delivery::Delivered { at: at(5) };
    assert_eq!(delivery(&history, no), &delivered);
    // The mailbox's own word is late: the receipt overtook it.
    assert_eq!(history.set_delivery(no, kept), Changes::default());
    assert_eq!(delivery(&history, no), &delivered);

    let (no, _) = history.add(received(2, None));
    assert_eq!(history.handle_receipt(&id(2), &address(2).key, at(5)), Changes::default());
    assert!(history.get(no).expect("there").is_unread(), "it was not written here");
}

#[test]
fn the_oldest_goes_first_and_what_nobody_has_read_stays() {
    let mut history = history(6);
    let (unread, _) = history.add(received(1, None));
    let mut removed = Vec::new();
    for letter in 2..=9 {
        removed.extend(history.add(sent(letter)).1.removed);
    }
    assert_eq!(removed, [2, 3, 4]);
    assert_eq!(letters(&history.last(None, 10)), [1, 5, 6, 7, 8, 9]);
    assert!(!history.has(&id(2)) && history.has(&id(1)) && !history.is_full());
    history.mark_read(unread);
    assert_eq!(history.add(sent(10)).1.removed, [1]);
    for letter in 11..=13 {
        history.add(received(letter, None));
    }
    assert!(history.is_full(), "half of it is unread: no more is fetched");
    assert_eq!(history.last(None, 10).len(), 6);
    assert_eq!(history.forget(Some(&bob())).removed.len(), 6);
    assert_eq!((history.bytes, history.unread_bytes, history.is_full()), (0, 0, false));
}

#[test]
fn a_message_is_handed_to_one_reader_at_a_time() {
    let (mut history, now) = (history(10), Instant::now());
    let (one, _) = history.add(received(1, None));
    history.add(received(2, None));
    let next = |history: &mut History, now| {
        history.next_unread(now).map(|message| message.letter.as_bytes()[0])
    };
    assert_eq!(next(&mut history, now), Some(1));
    assert_eq!(next(&mut history, now), Some(2));
    assert_eq!(next(&mut history, now), None, "each is in somebody's hands");
    assert_eq!(history.next_released(now), Some(now + HELD));
    history.mark_read(one);
    let later = now + HELD;
    assert_eq!(next(&mut history, later), Some(2), "its reader has gone away");
    assert_eq!(next(&mut history, later), None, "the other one is read");
    assert_eq!(history.next_released(later + HELD), None);
}

#[test]
fn reply_blocks_are_used_once_those_that_last_longest_first() {
    let mut history = history(10);
    history.add(received(1, Some(offer(7, 100, 1))));
    history.add(received(2, Some(offer(7, 200, 2))));
    history.add(received(3, Some(offer(8, 300, 1))));
    history.add(received(4, None));
    let peer = Peer::Unnamed(MailboxPublic::from_bytes([7; 32]));
    assert_eq!(history.answers_left(&peer, at(50)), Some((3, at(200))));
    let mut take = |only: Option<u8>, now| {
        let only = only.map(id);
        let taken = history.take_way(&peer, only.as_ref(), at(now));
        taken.map(|(way, changes)| {
            assert_eq!(changes.written.len(), 1, "it is written down before it is used");
            (way.letter.as_bytes()[0], way.block[0])
        })
    };
    assert_eq!(take(None, 50), Ok((2, 1)));
    assert_eq!(take(Some(1), 50), Ok((1, 0)));
    assert_eq!(take(Some(1), 50), Err(NoAnswer::UsedUp));
    assert_eq!(take(Some(3), 50), Err(NoAnswer::NotOffered), "it is another sender's");
    assert_eq!(take(None, 200), Err(NoAnswer::Expired { at: at(200) }));
    assert_eq!(take(None, 150), Ok((2, 0)));
    assert_eq!(take(None, 150), Err(NoAnswer::UsedUp));
    let silent = Peer::Silent(id(9));
    assert_eq!(history.take_way(&silent, None, at(1)).map(|_| ()), Err(NoAnswer::NotOffered));
    assert_eq!(history.answers_left(&bob(), at(1)), None);
}

#[test]
fn what_changed_is_told_in_its_order() {
    let mut history = history(10);
    let began = history.version();
    let (one, _) = history.add(sent(1));
    let (two, _) = history.add(received(2, None));
    let (changed, seen) = history.changed_since(began, 10);
    assert_eq!(letters(&changed), [1, 2]);
    assert_eq!(history.changed_since(seen, 10), (Vec::new(), seen));
    history.set_delivery(one, Delivery::Failed { why: "away".to_owned() });
    let (changed, seen) = history.changed_since(seen, 10);
    assert_eq!((letters(&changed), seen), (vec![1], history.version()));
    history.mark_read(two);
    history.mark_read(two);
    assert_eq!(letters(&history.changed_since(seen, 10).0), [2], "once");
    assert_eq!(letters(&history.changed_since(began, 1).0), [1], "no more than asked for");
    assert_eq!(history.peers(), [(bob(), 0)]);
}

#[test]
fn what_was_being_sent_when_the_client_ended_is_told_of_as_failed() {
    let message = Message { no: 7, ..sent(1) };
    let (history, changes) = History::restore(HistoryBounds::default(), 0, [message]);
    assert!(matches!(delivery(&history, 7), Delivery::Failed { why } if why.contains("may have")));
    assert_eq!(changes.written.len(), 1);
    let mut history = history;
    assert_eq!(history.add(sent(2)).0, 8, "numbers go on");
}
