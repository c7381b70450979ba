#![allow(clippy::disallowed_methods, reason = "tests draw keys")]

use mixbed_wire::MailboxSecret;
use mixbed_wire::letter::{LETTER_SIZES, Sender};
use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const ALICE: MailboxId = MailboxId::from_bytes([1; 16]);
const BOB: MailboxId = MailboxId::from_bytes([2; 16]);

fn at(after: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + 1000 * DAY + after
}

fn small() -> MailboxBounds {
    MailboxBounds {
        mailboxes: 3,
        letters: 4,
        bytes: 2 * LETTER_SIZES[1],
        ..MailboxBounds::on_disk()
    }
}

fn letter(size: usize) -> SealedLetter {
    let text = vec![0; LETTER_SIZES[size] - 117];
    let to = MailboxSecret::from_bytes([9; 32]).public();
    SealedLetter::seal("test", &to, Sender::Unnamed, at(HOUR), &text, &mut rand::rng())
        .expect("fits")
}

fn open(mailboxes: &mut Mailboxes, who: MailboxId, now: SystemTime) -> Option<Collected> {
    collect(mailboxes, who, &[], &[], 0, now)
}

fn collect(
    mailboxes: &mut Mailboxes,
    who: MailboxId,
    taken: &[LetterId],
    held: &[LetterId],
    room: u32,
    now: SystemTime,
) -> Option<Collected> {
    let command = Collect { room, taken: taken.to_vec(), held: held.to_vec() };
    mailboxes.handle_collect(who, &command, now)
}

#[test]
fn a_letter_stays_until_its_owner_has_taken_it() {
    let now = at(HOUR);
    let mut m = Mailboxes::new(small());
    assert_eq!(m.handle_put(ALICE, letter(0), now), Put::NoMailbox);
    assert_eq!(m.take_changes(), []);
    let opened = open(&mut m, ALICE, now).expect("room");
    assert_eq!((opened.letters.len(), opened.waiting, opened.lease), (0, 0, 30 * DAY));
    assert_eq!(m.take_changes(), [Change::Visited(ALICE, now)]);

    let [first, second] = [letter(0), letter(1)];
    for letter in [&first, &second, &first] {
        // The third time is the first letter again: it is kept once.
        assert_eq!(m.handle_put(ALICE, letter.clone(), now), Put::Kept(7 * DAY));
    }
    assert_eq!((m.letters(), m.bytes()), (2, LETTER_SIZES[0] + LETTER_SIZES[1]));
    assert_eq!(m.take_changes().len(), 2);

    let all = u32::MAX;
    for _ in 0..2 {
        let got = collect(&mut m, ALICE, &[], &[], all, now).expect("open");
        assert_eq!(got.letters, [LetterNo(1), LetterNo(2)], "asking takes nothing");
    }
    let held = collect(&mut m, ALICE, &[], &[first.id()], all, now).expect("open");
    assert_eq!(held.letters, [LetterNo(2)], "what is held is not brought again");
    let some = collect(&mut m, ALICE, &[], &[], 1, now).expect("open");
    assert_eq!((some.letters, some.waiting), (vec![LetterNo(1)], 1), "one fits always");
    let none = collect(&mut m, ALICE, &[], &[], 0, now).expect("open");
    assert_eq!((none.letters, none.waiting), (vec![], 2));
    assert_eq!(m.take_changes(), [], "nothing to write");

    for _ in 0..2 {
        let got = collect(&mut m, ALICE, &[first.id()], &[], all, now).expect("open");
        assert_eq!(got.letters, [LetterNo(2)], "taken twice is taken");
    }
    assert_eq!(m.take_changes(), [Change::Forgotten(LetterNo(1))]);
    let stranger = collect(&mut m, BOB, &[second.id()], &[], all, now).expect("room");
    assert_eq!((stranger.letters.len(), m.letters()), (0, 1), "another's letter stays");
}

#[test]
fn a_flood_fills_its_mailbox_and_no_other() {
    let now = at(HOUR);
    let mut m = Mailboxes::new(small());
    for who in [ALICE, BOB] {
        open(&mut m, who, now).expect("room");
    }
    let first = letter(0);
    m.handle_put(ALICE, first.clone(), now);
    for _ in 0..1000 {
        m.handle_put(ALICE, letter(0), now);
    }
    assert_eq!(m.handle_put(ALICE, letter(0), now), Put::Full);
    assert_eq!(m.letters(), 4, "the most");
    let got = collect(&mut m, ALICE, &[], &[], u32::MAX, now).expect("open");
    assert_eq!(got.letters[0], LetterNo(1), "what was there first is there still");
    assert!(matches!(m.handle_put(ALICE, first, now), Put::Kept(_)), "it is there");
    assert_eq!(m.handle_put(BOB, letter(1), now), Put::Kept(7 * DAY));
    assert_eq!(m.handle_put(BOB, letter(1), now), Put::Kept(7 * DAY));
    assert_eq!(m.handle_put(BOB, letter(0), now), Put::Full, "bytes are bounded too");
}

#[test]
fn too_many_mailboxes_are_refused_and_those_that_are_used_stay() {
    let mut m = Mailboxes::new(small());
    let id = |n| MailboxId::from_bytes([n; 16]);
    for n in 1..=3 {
        open(&mut m, id(n), at(HOUR * u32::from(n))).expect("room");
    }
    m.handle_put(id(1), letter(0), at(4 * HOUR));
    for n in 4..100 {
        assert_eq!(open(&mut m, id(n), at(DAY)), None);
        assert_eq!(m.handle_put(id(n), letter(0), at(DAY)), Put::NoMailbox);
    }
    // Two days later the first is away longest, but there is a letter in it.
    drop(m.take_changes());
    let now = at(2 * DAY + 2 * HOUR);
    open(&mut m, id(4), now).expect("the second makes room");
    assert_eq!(m.take_changes(), [Change::Closed(id(2)), Change::Visited(id(4), now)]);
    assert_eq!(open(&mut m, id(5), now), None, "the third was there an hour later");
    assert_eq!(m.mailboxes(), 3);
}

#[test]
fn letters_and_mailboxes_end_in_time_and_a_visit_renews() {
    let mut m = Mailboxes::new(small());
    open(&mut m, ALICE, at(HOUR)).expect("room");
    m.handle_put(ALICE, letter(0), at(2 * HOUR));
    assert_eq!(m.poll_timeout(), Some(at(7 * DAY + 2 * HOUR)));
    m.handle_timeout(at(7 * DAY + HOUR));
    assert_eq!(m.letters(), 1);
    drop(m.take_changes());
    m.handle_timeout(at(7 * DAY + 2 * HOUR));
    assert_eq!((m.letters(), m.bytes(), m.take_expired()), (0, 0, 1));
    assert_eq!(m.take_changes(), [Change::Forgotten(LetterNo(1))]);

    let soon = open(&mut m, ALICE, at(3 * HOUR)).expect("there");
    assert_eq!(m.take_changes(), [], "a visit so soon after another is not written down");
    assert_eq!(soon.lease, 29 * DAY + 22 * HOUR, "and says so");
    open(&mut m, ALICE, at(20 * DAY)).expect("there");
    assert_eq!(m.take_changes(), [Change::Visited(ALICE, at(20 * DAY))]);
    m.handle_timeout(at(49 * DAY));
    assert_eq!(m.mailboxes(), 1);
    m.handle_put(ALICE, letter(0), at(49 * DAY));
    m.handle_timeout(at(50 * DAY));
    assert_eq!((m.mailboxes(), m.letters(), m.poll_timeout()), (0, 0, None));
    assert_eq!(m.take_changes().last(), Some(&Change::Closed(ALICE)));
    assert_eq!(m.handle_put(ALICE, letter(0), at(50 * DAY)), Put::NoMailbox);
}

#[test]
fn a_clock_that_is_set_back_loses_nothing() {
    let mut m = Mailboxes::new(small());
    open(&mut m, ALICE, at(10 * DAY)).expect("room");
    m.handle_put(ALICE, letter(0), at(10 * DAY));
    m.handle_timeout(at(HOUR));
    let got = collect(&mut m, ALICE, &[], &[], u32::MAX, at(HOUR)).expect("there");
    assert_eq!((got.letters.len(), got.lease), (1, 30 * DAY));
}

proptest! {
    /// Whatever is done in whatever order: the bounds hold, the sums are right, and replaying the
    /// changes gives the same mailboxes.
    #[test]
    fn the_books_close(steps in prop::collection::vec((0..5_u8, 0..5_u8, 0..40_u8), 1..80)) {
        let pool: Vec<_> = (0..8).map(|n| letter(n % 2)).collect();
        let mut m = Mailboxes::new(small());
        let (mut boxes, mut kept) = (BTreeMap::new(), BTreeMap::new());
        let mut now = at(HOUR);
        for (what, who, which) in steps {
            let who = MailboxId::from_bytes([who; 16]);
            let some = &pool[usize::from(which) % pool.len()];
            match what {
                0 | 1 => { m.handle_put(who, some.clone(), now); }
                2 => { open(&mut m, who, now); }
                3 => { collect(&mut m, who, &[some.id()], &[], u32::MAX, now); }
                _ => {
                    now += HOUR * 4 * u32::from(which);
                    m.handle_timeout(now);
                }
            }
            for change in m.take_changes() {
                match change {
                    Change::Visited(id, at) => { boxes.insert(id, at); }
                    Change::Closed(id) => { boxes.remove(&id).expect("was open"); }
                    Change::Kept { no, mailbox, arrived, letter } => {
                        prop_assert!(kept.insert(no, (mailbox, arrived, letter)).is_none());
                    }
                    Change::Forgotten(no) => { kept.remove(&no).expect("was kept"); }
                }
            }
            prop_assert!(m.mailboxes() <= 3 && m.letters() <= 12);
            prop_assert!(m.open.values().all(|b| b.bytes <= 2 * LETTER_SIZES[1]));
            let mut restored = Mailboxes::new(small());
            for (id, at) in &boxes {
                restored.restore_mailbox(*id, *at);
            }
            for (no, (mailbox, arrived, letter)) in &kept {
                let size = letter.as_bytes().len();
                prop_assert!(restored.restore_letter(*no, *mailbox, letter.id(), size, *arrived));
            }
            prop_assert_eq!(restored.by_age, m.by_age.clone());
            prop_assert_eq!(restored.by_visit, m.by_visit.clone());
            prop_assert_eq!((restored.bytes, restored.open.len()), (m.bytes, m.open.len()));
        }
    }
}
