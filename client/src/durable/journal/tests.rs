use std::cell::RefCell;

use mixbed_wire::message::MAX_HOLD;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::broadcast::{Promise, Sighting};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn txid(number: u8) -> TxId {
    TxId::from([number; 32])
}

thread_local! {
    static RNG: RefCell<ChaCha20Rng> = RefCell::new(ChaCha20Rng::seed_from_u64(7));
}

fn journal() -> Journal {
    let (ended, ended_age) = (3, 10 * MINUTE);
    Journal::new(Bounds { pending: 2, pending_bytes: 100, watched: 2, ended, ended_age }, [])
}

fn order_with(
    journal: &mut Journal,
    number: u8,
    now: u64,
    options: &BroadcastOptions,
) -> Result<Taken, Full> {
    let raw = [number; 40];
    RNG.with_borrow_mut(|rng| journal.handle_order(txid(number), &raw, options, at(now), rng))
}

fn order(journal: &mut Journal, number: u8, now: u64) -> Result<Taken, Full> {
    order_with(journal, number, now, &BroadcastOptions::default())
}

fn next(journal: &mut Journal, number: u8, now: SystemTime) -> Next {
    RNG.with_borrow_mut(|rng| journal.next(txid(number), now, rng))
}

fn rejected() -> BroadcastError {
    let (words, provider) = ("the fee is too low".to_owned(), "provider-0".to_owned());
    BroadcastError::Rejected { words, flags: Vec::new(), provider }
}

fn silent() -> BroadcastError {
    BroadcastError::DeadlinePassed { deadline: MINUTE, tried: "3 packets".to_owned() }
}

fn report(number: u8) -> BroadcastReport {
    BroadcastReport {
        txid: txid(number),
        already_known: true,
        trace_id: None,
        provider: "provider-1".to_owned(),
        elapsed: MINUTE,
        packets_sent: 1,
        packets_received: 1,
        retransmissions: 0,
        mixing_delay: MINUTE,
        monerod_time: MINUTE,
        monerod_attempts: 1,
        held: None,
        confirmed_by: None,
        found_out: Vec::new(),
    }
}

fn state(journal: &Journal, number: u8) -> BroadcastState {
    journal.entry(txid(number)).expect("known").record.state.clone()
}

/// An accepted broadcast 1.
fn accepted() -> Journal {
    let mut journal = journal();
    order(&mut journal, 1, 0).expect("taken");
    journal.handle_result(txid(1), Ok(report(1)), at(10));
    journal
}

/// Looks for broadcast 1 again and again; `answer` says what comes of each. Ends when there is
/// something to send or nothing to do, or somebody is found out; says when, and how often it looked.
fn look(
    journal: &mut Journal,
    mut now: SystemTime,
    answer: impl Fn(SystemTime) -> Result<(&'static str, Sighting), &'static str>,
) -> (SystemTime, u32, Option<FoundOut>) {
    let mut looks = 0;
    for _ in 0..10_000 {
        match next(journal, 1, now) {
            Next::Look(due) if due > now => now = due,
            Next::Look(_) => {
                looks += 1;
                let located = answer(now).map_err(str::to_owned);
                let located =
                    located.map(|(by, sighting)| Located { provider: by.to_owned(), sighting });
                let found = journal.handle_located(txid(1), located, now);
                if found.is_some() {
                    return (now, looks, found);
                }
            }
            Next::Send | Next::Nothing => return (now, looks, None),
        }
    }
    panic!("no end to it")
}

#[test]
fn it_is_tried_until_there_is_a_word() {
    let mut journal = journal();
    assert!(matches!(order(&mut journal, 1, 0), Ok(Taken::New(_))));
    for tries in 1..4 {
        assert_eq!(next(&mut journal, 1, at(10)), Next::Send);
        let turn = journal.handle_turn(txid(1), at(10)).expect("it has not ended");
        assert_eq!((&turn.raw[..], turn.options.deadline), (&[1; 40][..], 50 * SECOND));
        assert!(!turn.options.confirm && turn.wait.is_none());
        journal.handle_result(txid(1), Err(silent()), at(20));
        let record = &journal.entry(txid(1)).expect("known").record;
        assert_eq!((record.tries, &record.state), (tries, &BroadcastState::Pending));
        assert!(record.trouble.as_ref().is_some_and(|words| words.contains("3 packets")));
    }
    journal.handle_result(txid(1), Ok(report(1)), at(30));
    let BroadcastState::Accepted { provider, already_known: true, at: when, watched: true, .. } =
        state(&journal, 1)
    else {
        panic!("{journal:?}")
    };
    assert_eq!((provider.as_str(), when), ("provider-1", at(30)));
    assert_eq!(journal.handle_turn(txid(1), at(31)), None, "it is not sent any more");
    assert!(matches!(next(&mut journal, 1, at(31)), Next::Look(_)));
}

#[test]
fn a_refusal_ends_it_and_so_does_time_but_not_the_end_of_the_process() {
    let mut journal = journal();
    order(&mut journal, 1, 0).expect("taken");
    order(&mut journal, 2, 0).expect("taken");
    journal.handle_result(txid(1), Err(RequestError::Stopped.into()), at(99));
    assert_eq!(state(&journal, 1).name(), "pending");
    journal.handle_result(txid(1), Err(rejected()), at(5));
    assert_eq!(state(&journal, 1).name(), "rejected");
    assert_eq!(next(&mut journal, 1, at(5)), Next::Nothing);
    assert_eq!(next(&mut journal, 2, at(60)), Next::Nothing);
    assert_eq!(state(&journal, 2).name(), "expired");
    order(&mut journal, 2, 61).expect("taken again");
    journal.handle_result(txid(2), Err(silent()), at(130));
    assert_eq!(state(&journal, 2).name(), "expired");
}

#[test]
fn the_same_transaction_is_one_broadcast_and_there_are_not_too_many() {
    let mut journal = journal();
    order(&mut journal, 1, 0).expect("taken");
    assert_eq!(order(&mut journal, 1, 5), Ok(Taken::Pending));
    order(&mut journal, 2, 0).expect("taken");
    assert_eq!(order(&mut journal, 3, 0), Err(Full { pending: 2, bytes: 80 }));
    journal.handle_result(txid(1), Err(rejected()), at(5));
    assert!(matches!(order(&mut journal, 1, 6), Ok(Taken::New(_))), "again, if it is wished");
    journal.handle_unwritten(txid(1));
    let options = BroadcastOptions { deadline: Duration::MAX, ..BroadcastOptions::default() };
    let mut take = |raw: &[u8]| {
        RNG.with_borrow_mut(|rng| journal.handle_order(txid(4), raw, &options, at(6), rng))
    };
    assert_eq!(take(&[0; 61]), Err(Full { pending: 1, bytes: 40 }));
    let taken = take(&[0; 60]);
    let Ok(Taken::New(entry)) = taken else { panic!("{taken:?}") };
    assert_eq!(entry.record.expires, at(6) + LONGEST);
}

#[test]
fn what_has_ended_is_forgotten_in_time_and_what_has_not_never() {
    let mut journal = journal();
    for number in 1..=5 {
        order(&mut journal, number, 0).expect("taken");
        journal.handle_result(txid(number), Err(rejected()), at(number.into()));
    }
    order(&mut journal, 6, 0).expect("taken");
    assert_eq!(journal.forget(at(10)), [txid(1), txid(2)], "all but three");
    assert_eq!(journal.forget(at(604)), [txid(3)], "older than ten minutes");
    assert_eq!(journal.forget(at(100_000)), [txid(4), txid(5)]);
    assert_eq!(journal.records().len(), 1);
}

#[test]
fn it_ends_in_a_block_by_anothers_word() {
    let mut journal = accepted();
    assert_eq!(journal.handle_look(txid(1)), ["provider-1"], "another one is asked");
    let (_, looks, found) = look(&mut journal, at(10), |now| {
        Ok((
            "provider-0",
            match now.duration_since(at(0)).expect("later").as_secs() {
                0..15 => Sighting::Unknown,
                15..500 => Sighting::InPool,
                _ => Sighting::Mined { height: 1000, confirmations: 2 },
            },
        ))
    });
    assert_eq!(found, None);
    let BroadcastState::Mined { provider, by, height: 1000, confirmations: 2, at: when } =
        state(&journal, 1)
    else {
        panic!("{journal:?}")
    };
    assert_eq!((provider.as_str(), by.as_str()), ("provider-1", "provider-0"));
    assert!(when >= at(500) && when < at(1000), "{when:?}");
    assert!(looks < 20, "{looks} questions in eight minutes");
    assert_eq!(journal.entry(txid(1)).expect("known").raw, None);
}

#[test]
fn who_said_that_it_had_it_is_found_out_after_the_time_that_it_takes() {
    let mut journal = accepted();
    let (when, _, found) = look(&mut journal, at(10), |_| Ok(("provider-0", Sighting::Unknown)));
    let found = found.expect("a liar");
    assert_eq!((found.provider.as_str(), found.denied_by.as_str()), ("provider-1", "provider-0"));
    assert_eq!(found.promise, Promise::Accepted);
    assert!(found.after >= 30 * SECOND && when < at(10) + MINUTE, "{found:?}");
    // It is sent again, to another one if there is another, although its time would be over.
    assert_eq!(next(&mut journal, 1, at(3600)), Next::Send);
    let turn = journal.handle_turn(txid(1), at(3600)).expect("again");
    assert_eq!(turn.options.not, ["provider-1"]);
    // Accepted by the same one once more, as there is no other: it is not found out twice, and
    // its transaction is sent again now and then.
    journal.handle_result(txid(1), Ok(report(1)), at(3601));
    let (when, _, found) = look(&mut journal, at(3601), |_| Ok(("provider-0", Sighting::Unknown)));
    assert_eq!((found, state(&journal, 1)), (None, BroadcastState::Pending));
    assert!(when >= at(3601) + 10 * MINUTE, "{when:?}");
}

#[test]
fn without_confirmation_nobody_is_found_out() {
    let mut journal = journal();
    let options = BroadcastOptions { confirm: false, ..BroadcastOptions::default() };
    order_with(&mut journal, 1, 0, &options).expect("taken");
    journal.handle_result(txid(1), Ok(report(1)), at(10));
    let (when, _, found) = look(&mut journal, at(10), |_| Ok(("provider-0", Sighting::Unknown)));
    assert_eq!((found, state(&journal, 1)), (None, BroadcastState::Pending));
    assert!(when >= at(10) + 10 * MINUTE, "{when:?}");
}

#[test]
fn what_a_pool_forgets_is_sent_again_and_what_nobody_mines_expires() {
    let mut journal = accepted();
    let (when, _, found) = look(&mut journal, at(10), |now| {
        let known = now < at(100);
        Ok(("provider-0", if known { Sighting::InPool } else { Sighting::Unknown }))
    });
    assert_eq!((found, state(&journal, 1)), (None, BroadcastState::Pending));
    assert!(when >= at(100) + 10 * MINUTE, "{when:?}");

    let mut journal = accepted();
    let (when, looks, _) = look(&mut journal, at(10), |_| Err("nobody answers"));
    assert_eq!(state(&journal, 1), BroadcastState::Expired { at: when });
    assert_eq!(when, at(10) + Duration::from_secs(3 * 24 * 3600));
    assert!(looks < 4000, "{looks}: not more than one in a minute");
}

#[test]
fn questions_have_no_rhythm() {
    let mut times = Vec::new();
    for _ in 0..50 {
        let mut journal = accepted();
        let Next::Look(first) = next(&mut journal, 1, at(10)) else { panic!("watched") };
        times.push(first.duration_since(at(10)).expect("later"));
    }
    let (first, last) = (times.iter().min().expect("some"), times.iter().max().expect("some"));
    assert!(*first >= SECOND / 2 && *last <= 3 * SECOND / 2, "{times:?}");
    assert!(last.abs_diff(*first) > SECOND / 2, "{times:?}");
}

#[test]
fn what_waits_at_a_provider_is_looked_for_when_it_is_time() {
    let mut journal = journal();
    let mean = Some(30 * SECOND);
    let options = BroadcastOptions { random_wait: mean, ..BroadcastOptions::default() };
    order_with(&mut journal, 1, 0, &options).expect("taken");
    let turn = journal.handle_turn(txid(1), at(1)).expect("to be sent");
    let wait = turn.wait.expect("it is to wait");
    assert!(wait <= MAX_HOLD);
    assert_eq!(journal.entry(txid(1)).expect("known").record.expires, at(0) + wait + MINUTE);
    let held = |wait| Ok(BroadcastReport { held: Some(wait), ..report(1) });
    journal.handle_result(txid(1), held(wait), at(5));
    assert!(!state(&journal, 1).is_settled(), "no word of it yet");
    let Next::Look(first) = next(&mut journal, 1, at(5)) else { panic!("looked for") };
    assert!(first > at(5) + wait, "not before its time");
    // The provider is killed: it is sent to another one, and at once.
    let mut lost = Journal::new(journal.bounds, [journal.entry(txid(1)).expect("known").clone()]);
    let (_, _, found) = look(&mut lost, at(5), |_| Ok(("provider-0", Sighting::Unknown)));
    assert_eq!(found.expect("a promise").promise, Promise::Held);
    let turn = lost.handle_turn(txid(1), first + MINUTE).expect("again");
    assert_eq!((turn.wait, turn.options.not), (None, vec!["provider-1".to_owned()]));
    // And where it was not.
    look(&mut journal, at(5), |now| {
        Ok((
            "provider-0",
            if now < first + 5 * SECOND {
                Sighting::InPool
            } else {
                Sighting::Mined { height: 7, confirmations: 1 }
            },
        ))
    });
    assert!(matches!(state(&journal, 1), BroadcastState::Mined { height: 7, .. }));
}

#[test]
fn not_too_many_are_watched() {
    let mut journal = journal();
    for number in 1..=3 {
        order(&mut journal, number, 0).expect("taken");
        journal.handle_result(txid(number), Ok(report(number)), at(1));
    }
    let watched = |number| match state(&journal, number) {
        BroadcastState::Accepted { watched, .. } => watched,
        other => panic!("{other:?}"),
    };
    assert_eq!([1, 2, 3].map(watched), [true, true, false]);
    assert!(state(&journal, 3).has_ended() && !state(&journal, 1).has_ended());
}
