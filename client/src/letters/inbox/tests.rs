#![allow(clippy::disallowed_methods, reason = "tests draw keys")]

use mixbed_wire::MailboxPublic;
use mixbed_wire::letter::Sender;
use proptest::prelude::*;

use super::*;

const NET: &str = "test";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn at(after: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + 1000 * DAY + after
}

fn key() -> MailboxSecret {
    MailboxSecret::from_bytes([1; 32])
}

fn sealed(to: &MailboxPublic, text: &[u8], sent: SystemTime) -> SealedLetter {
    SealedLetter::seal(NET, to, Sender::Unnamed, sent, text, &mut rand::rng()).expect("fits")
}

fn letter(text: &[u8]) -> SealedLetter {
    sealed(&key().public(), text, at(DAY))
}

fn bring(inbox: &mut Inbox, letters: &[SealedLetter], now: SystemTime) -> Collect {
    let command = inbox.command();
    inbox.handle_letters(&command, letters, NET, &key(), now);
    command
}

fn texts(inbox: &mut Inbox) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| inbox.poll_letter()).map(|letter| letter.text).collect()
}

fn accept(inbox: &mut Inbox, id: LetterId, now: SystemTime) -> Changes {
    let changes = inbox.accept(id, now).expect("given");
    inbox.handle_accepted(&changes);
    changes
}

#[test]
fn a_letter_is_given_once_and_named_to_the_gateway_until_it_has_gone() {
    let now = at(DAY);
    let mut inbox = Inbox::default();
    let [one, two] = [letter(b"one"), letter(b"two")];
    let both = [one.clone(), two.clone()];
    assert_eq!(bring(&mut inbox, &both, now).taken, []);
    assert_eq!(inbox.command().held, [one.id(), two.id()]);
    assert_eq!(inbox.accept(one.id(), now), None, "it was not given yet");
    assert_eq!(texts(&mut inbox), [b"one", b"two"]);
    bring(&mut inbox, &both, now);
    assert_eq!(texts(&mut inbox), [[0; 0]; 0], "a gateway that does not listen changes nothing");

    let changes = accept(&mut inbox, one.id(), now);
    assert_eq!(changes.accepted, [(one.id(), at(DAY))]);
    assert_eq!(inbox.accept(one.id(), now), None, "once");
    let command = inbox.command();
    assert_eq!((command.taken, command.held), (vec![one.id()], vec![two.id()]));
    // The answer was lost: it is said again. The letter comes once more: it is said again.
    assert!(inbox.has_done());
    bring(&mut inbox, &[], now);
    assert!(!inbox.has_done());
    bring(&mut inbox, &both, now);
    assert_eq!(texts(&mut inbox), [[0; 0]; 0]);
    assert_eq!(inbox.command().taken, [one.id()]);
    assert_eq!(inbox.discarded(), 0);
}

#[test]
fn what_cannot_be_read_or_is_of_another_time_is_thrown_away() {
    let now = at(2 * DAY);
    let mut inbox = Inbox::restore([], Some(at(Duration::ZERO)));
    let other = MailboxSecret::from_bytes([2; 32]).public();
    let bad = [
        sealed(&other, b"not mine", now),
        sealed(&key().public(), b"too old", at(Duration::ZERO)),
        sealed(&key().public(), b"of tomorrow", now + OFF + Duration::from_secs(60)),
    ];
    let good = sealed(&key().public(), b"a clock ahead", now + OFF);
    let mut letters = bad.to_vec();
    letters.push(good);
    bring(&mut inbox, &letters, now);
    assert_eq!(texts(&mut inbox), [b"a clock ahead"]);
    assert_eq!(inbox.discarded(), 3);
    assert_eq!(inbox.command().taken, bad.map(|letter| letter.id()), "the gateway may forget it");
}

#[test]
fn what_is_forgotten_is_never_taken_for_new() {
    let mut inbox = Inbox::default();
    let old = letter(b"old");
    bring(&mut inbox, std::slice::from_ref(&old), at(DAY));
    texts(&mut inbox);
    accept(&mut inbox, old.id(), at(DAY));
    let later = at(16 * DAY);
    let new = sealed(&key().public(), b"new", later);
    bring(&mut inbox, std::slice::from_ref(&new), later);
    texts(&mut inbox);
    let changes = accept(&mut inbox, new.id(), later);
    assert_eq!((changes.forgotten, changes.floor), (vec![old.id()], Some(at(DAY) + OFF)));
    for now in [later, at(DAY)] {
        bring(&mut inbox, std::slice::from_ref(&old), now);
        assert_eq!(texts(&mut inbox), [[0; 0]; 0], "also if the clock was set back");
    }
}

/// A mailbox that remembers as many letters as it may, of this time.
fn full(at: SystemTime) -> Inbox {
    let ids = (0..u32::try_from(MOST_REMEMBERED).expect("not so many")).map(|n| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        (LetterId::from_bytes(id), at)
    });
    Inbox::restore(ids, None)
}

fn comes_through(inbox: &mut Inbox, sent: SystemTime, now: SystemTime) {
    let letter = sealed(&key().public(), b"honest", sent);
    bring(inbox, std::slice::from_ref(&letter), now);
    assert_eq!(texts(inbox), [b"honest"]);
    accept(inbox, letter.id(), now);
}

#[test]
fn no_flood_makes_a_mailbox_deaf_to_what_is_sent_now() {
    let now = at(20 * DAY);
    // What was accepted had been dated ahead or back, or the clock has been set back since.
    for remembered in [now + 23 * Duration::from_secs(3600), now + OFF, now, now - 13 * DAY] {
        let mut inbox = full(remembered);
        for dated in [now + OFF, now, now - 12 * DAY, now - 5 * DAY] {
            let flood = sealed(&key().public(), b"flood", dated);
            bring(&mut inbox, std::slice::from_ref(&flood), now);
            if texts(&mut inbox) == [b"flood"] {
                accept(&mut inbox, flood.id(), now);
            }
            comes_through(&mut inbox, now, now);
            // Its sender's clock is behind, or it was on its way for a while.
            comes_through(&mut inbox, now - Duration::from_secs(240), now);
            assert!(inbox.floor <= Some(now - OFF), "{:?}", inbox.floor);
        }
    }
}

#[test]
fn a_letter_that_was_dated_ahead_is_not_taken_for_new_when_it_is_forgotten() {
    let (now, later) = (at(DAY), at(DAY) + 3 * OFF);
    let mut inbox = Inbox::default();
    let ahead = sealed(&key().public(), b"ahead", now + OFF);
    bring(&mut inbox, std::slice::from_ref(&ahead), now);
    texts(&mut inbox);
    assert_eq!(accept(&mut inbox, ahead.id(), now).accepted, [(ahead.id(), now)], "as others");

    let since = full(later).accepted.into_iter().take(MOST_REMEMBERED - 1);
    let mut inbox = Inbox::restore(since.chain([(ahead.id(), now)]), None);
    comes_through(&mut inbox, later, later);
    assert!(!inbox.accepted.contains_key(&ahead.id()), "it is the oldest");
    bring(&mut inbox, std::slice::from_ref(&ahead), later);
    assert_eq!(texts(&mut inbox), [[0; 0]; 0], "a gateway that brings it again changes nothing");
}

#[test]
fn more_than_can_be_named_is_not_asked_for() {
    let now = at(DAY);
    let mut inbox = Inbox::default();
    let many: Vec<_> = (0..100_u8).map(|n| letter(&[n])).collect();
    bring(&mut inbox, &many, now);
    let command = inbox.command();
    assert_eq!((command.room, command.held.len()), (0, MAX_IDS));
    assert_eq!(texts(&mut inbox).len(), 100);
    for letter in &many[..50] {
        accept(&mut inbox, letter.id(), now);
    }
    let command = inbox.command();
    assert_eq!((command.room, command.held.len(), command.taken.len()), (ROOM, 50, 50));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Ask { lost: bool, again: bool },
    Take(usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Send),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(lost, again)| Step::Ask { lost, again }),
        3 => (0..3_usize).prop_map(Step::Take),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Answers get lost, commands are carried out twice, and the client ends at any time: each
    /// letter is accepted exactly once.
    #[test]
    fn each_letter_is_accepted_exactly_once(steps in prop::collection::vec(step(), 1..60)) {
        let now = at(DAY);
        let mut gateway: Vec<SealedLetter> = Vec::new();
        let (mut inbox, mut disk) = (Inbox::default(), Vec::new());
        let mut given = Vec::new();
        let (mut sent, mut accepted) = (0_u8, Vec::new());
        let carry_out = |gateway: &mut Vec<SealedLetter>, command: &Collect| {
            gateway.retain(|letter| !command.taken.contains(&letter.id()));
            let new = gateway.iter().filter(|letter| !command.held.contains(&letter.id()));
            new.take(if command.room > 0 { 2 } else { 0 }).cloned().collect::<Vec<_>>()
        };
        let ending = (0..40).flat_map(|_| [Step::Ask { lost: false, again: false }, Step::Take(9)]);
        for step in steps.into_iter().chain(ending) {
            match step {
                Step::Send => {
                    gateway.push(letter(&[sent]));
                    sent += 1;
                }
                Step::Ask { lost, again } => {
                    let command = inbox.command();
                    let mut letters = carry_out(&mut gateway, &command);
                    if again {
                        letters = carry_out(&mut gateway, &command);
                    }
                    if !lost {
                        inbox.handle_letters(&command, &letters, NET, &key(), now);
                    }
                    given.extend(std::iter::from_fn(|| inbox.poll_letter()));
                }
                Step::Take(count) => {
                    for letter in given.drain(..count.min(given.len())) {
                        let changes = inbox.accept(letter.id, now).expect("given");
                        disk.extend(changes.accepted.iter().copied());
                        inbox.handle_accepted(&changes);
                        accepted.extend(letter.text);
                    }
                }
                Step::Restart => {
                    inbox = Inbox::restore(disk.iter().copied(), None);
                    given.clear();
                }
            }
        }
        accepted.sort_unstable();
        prop_assert_eq!(accepted, (0..sent).collect::<Vec<_>>());
        prop_assert!(gateway.is_empty() || !inbox.has_done());
    }
}
