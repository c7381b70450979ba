//! Of the rules, in virtual time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mixbed_monero::TxId;
use mixbed_monero::daemon::TxState;
use mixbed_operator::api::{BroadcastPhase, Report, TransactionState};

use super::{End, Outcome, Plan, Run, Saved, SavedError, Sight};

mod kills;

const START: Duration = Duration::from_secs(1_700_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn plan(wanted: u32) -> Plan {
    Plan::new(wanted, SECOND, START, Duration::from_secs(300))
}

/// Ids that are made up: only what is read again has to have real ones.
fn id(number: u32) -> TxId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    TxId::from(bytes)
}

fn make(run: &mut Run, number: u32) {
    run.handle_made(number, id(number), Arc::from(number.to_be_bytes()), START);
}

fn write(run: &mut Run) -> Saved {
    let (revision, saved) = run.saved();
    run.handle_written(revision);
    saved
}

fn accepted() -> Outcome {
    Outcome::Accepted { provider: "provider-0".to_owned(), trace_id: Some("ab".repeat(16)) }
}

#[expect(clippy::unnecessary_wraps, reason = "beside monerods that give no answer")]
fn sight(height: u64, states: &[TxState]) -> Option<Sight> {
    Some(Sight { height, synchronized: true, states: states.to_vec() })
}

fn mined(height: u64, confirmations: u64) -> TxState {
    TxState::Mined { height, confirmations }
}

const POOL: TxState = TxState::InPool { relayed: true };

/// One transaction, accepted.
fn one_accepted() -> Run {
    let mut run = Run::new(plan(1));
    make(&mut run, 1);
    write(&mut run);
    run.poll_send(START).expect("sent");
    run.handle_outcome(1, accepted(), START + SECOND);
    run
}

fn state(run: &Run) -> TransactionState {
    run.report().transactions[0].state
}

#[test]
fn nothing_is_sent_that_is_not_written_down() {
    let mut run = Run::new(plan(2));
    make(&mut run, 1);
    let (revision, saved) = run.saved();
    assert_eq!(saved.unresolved.len(), 1);
    make(&mut run, 2);
    assert_eq!(run.poll_send(START), None);
    run.handle_written(revision);
    assert_eq!(run.poll_send(START).map(|order| order.number), Some(1));
    assert_eq!(run.poll_send(START + SECOND), None, "the second is not written");
}

#[test]
fn the_rate_holds_and_what_is_late_is_no_burst() {
    let mut run = Run::new(plan(5));
    (1..=5).for_each(|number| make(&mut run, number));
    write(&mut run);
    assert!(run.poll_send(START).is_some());
    assert_eq!(run.poll_send(START), None);
    assert_eq!(run.poll_at(), START + SECOND);
    assert_eq!(run.poll_send(START + SECOND / 2), None);
    // A little late: the next is not.
    assert!(run.poll_send(START + SECOND + SECOND / 4).is_some());
    assert!(run.poll_send(START + 2 * SECOND).is_some());
    // Very late: one at once, then the rate holds again.
    let late = START + 60 * SECOND + SECOND / 2;
    assert!(run.poll_send(late).is_some());
    assert_eq!(run.poll_send(late + SECOND / 2), None);
    assert!(run.poll_send(late + SECOND).is_some());
}

#[test]
fn a_wallet_slower_than_the_rate_begins_early_so_that_the_rate_holds() {
    // Making one takes 300 ms, sending one 100 ms: of 90, 60 and more are made before the first.
    let interval = Duration::from_millis(100);
    let mut run = Run::new(Plan { interval, ..plan(90) });
    let mut now = START;
    let mut sent = Vec::new();
    let mut made = 0;
    while sent.len() < 90 {
        now += Duration::from_millis(50);
        if now.saturating_sub(START).as_millis().is_multiple_of(300)
            && let Some((number, _)) = run.poll_make()
        {
            run.handle_made(number, id(number), Arc::from(number.to_be_bytes()), now);
            made += 1;
        }
        write(&mut run);
        if let Some(order) = run.poll_send(now) {
            run.handle_outcome(order.number, accepted(), now);
            sent.push((now, made));
        }
        assert!(now < START + Duration::from_secs(60), "{made} made, {} sent", sent.len());
    }
    assert!((60..75).contains(&sent[0].1), "{} were made before the first", sent[0].1);
    assert!(sent.windows(2).all(|two| two[1].0 <= two[0].0 + 2 * interval), "{sent:?}");
    assert!(sent[89].0 < sent[0].0 + Duration::from_millis(9_500), "{sent:?}");
}

#[test]
fn no_more_are_under_way_than_the_client_takes() {
    let mut run = Run::new(Plan { interval: Duration::ZERO, window: 2, ..plan(3) });
    (1..=3).for_each(|number| make(&mut run, number));
    write(&mut run);
    assert!(run.poll_send(START).is_some() && run.poll_send(START).is_some());
    assert_eq!(run.poll_send(START), None);
    run.handle_outcome(1, accepted(), START);
    assert_eq!(run.poll_send(START).map(|order| order.number), Some(3));
}

#[test]
fn what_is_not_known_is_sent_again_and_the_first_order_counts() {
    let mut run = Run::new(plan(1));
    make(&mut run, 1);
    write(&mut run);
    run.poll_send(START).expect("sent");
    run.handle_outcome(1, Outcome::Unknown { words: "no link".to_owned() }, START + SECOND);
    assert_eq!(run.poll_send(START + SECOND), None);
    assert_eq!(run.poll_at(), START + 2 * SECOND);
    assert!(run.poll_send(START + 2 * SECOND).is_some());
    run.handle_outcome(1, accepted(), START + 3 * SECOND);
    assert_eq!(run.report().transactions[0].latency_ms, Some(3000));
    assert_eq!(state(&run), TransactionState::Accepted);
}

#[test]
fn a_block_counts_when_all_have_it_or_another_is_on_top() {
    let mut run = one_accepted();
    let now = START + 2 * SECOND;
    run.handle_sights(&[1], &[sight(9, &[mined(8, 1)]), sight(8, &[POOL])], now);
    assert_eq!(state(&run), TransactionState::Accepted);
    // One that is away or behind does not count.
    let mut one = run.clone();
    one.handle_sights(&[1], &[sight(9, &[mined(8, 1)]), None], now);
    assert_eq!(state(&one), TransactionState::Mined);
    run.handle_sights(&[1], &[sight(10, &[mined(8, 2)]), sight(8, &[POOL])], now);
    assert_eq!(state(&run), TransactionState::Mined);
    run.handle_time(now);
    assert_eq!(run.end(), Some(&End::Complete));
    assert_eq!(run.report().message, "all 1 mined");
}

#[test]
fn what_its_monerod_has_lost_is_sent_again() {
    let mut run = one_accepted();
    let at = |seconds| START + Duration::from_secs(seconds);
    let nowhere = [sight(9, &[TxState::Unknown]), None];
    run.handle_sights(&[1], &nowhere, at(2));
    run.handle_sights(&[1], &[sight(9, &[POOL]), None], at(5));
    run.handle_sights(&[1], &nowhere, at(6));
    run.handle_sights(&[1], &nowhere, at(9));
    assert_eq!(run.poll_send(at(9)), None, "missing for less than four seconds");
    // One that is not in step knows nothing.
    let behind = Sight { height: 1, synchronized: false, states: vec![TxState::Unknown] };
    let mut unknown = run.clone();
    unknown.handle_sights(&[1], &[Some(behind), None], at(20));
    assert_eq!(unknown.poll_send(at(20)), None);
    run.handle_sights(&[1], &nowhere, at(10));
    assert_eq!(run.poll_send(at(10)).map(|order| order.number), Some(1));
    run.handle_outcome(1, accepted(), at(11));
    let report = run.report();
    assert_eq!(report.transactions[0].latency_ms, Some(1000), "of the first word");
    assert_eq!(run.poll_send(at(11)), None);
}

#[test]
fn a_chain_that_begins_anew_ends_the_run() {
    let mut run = one_accepted();
    let at = |seconds| START + Duration::from_secs(seconds);
    run.handle_sights(&[1], &[sight(200, &[POOL])], at(1));
    run.handle_sights(&[1], &[None], at(2));
    for seconds in [3, 5] {
        run.handle_sights(&[1], &[sight(1, &[TxState::Unknown])], at(seconds));
        assert_eq!(run.end(), None);
    }
    run.handle_sights(&[1], &[sight(5, &[TxState::Unknown])], at(8));
    let Some(End::Failed { reason, message }) = run.end() else { panic!("{run:?}") };
    assert_eq!(reason, "ChainLost");
    assert!(message.contains("200 blocks"), "{message}");
    assert_eq!(state(&run), TransactionState::Failed);
}

#[test]
fn one_that_is_emptied_beside_one_that_is_not_ends_nothing() {
    let mut run = one_accepted();
    run.handle_sights(&[1], &[sight(200, &[POOL]), sight(200, &[POOL])], START);
    for seconds in 1..60 {
        let now = START + Duration::from_secs(seconds);
        let empty = Sight { height: 1, synchronized: false, states: vec![TxState::Unknown] };
        run.handle_sights(&[1], &[Some(empty.clone()), sight(200, &[POOL])], now);
        run.handle_sights(&[1], &[Some(empty), None], now);
        run.handle_sights(&[1], &[sight(1, &[TxState::Unknown]), None], now);
    }
    assert_eq!(run.end(), None);
}

#[test]
fn the_deadline_tells_what_is_missing() {
    let mut run = Run::new(plan(4));
    (1..=3).for_each(|number| make(&mut run, number));
    write(&mut run);
    run.poll_send(START).expect("sent");
    run.handle_outcome(1, accepted(), START);
    run.poll_send(START + SECOND).expect("sent");
    run.handle_trouble("the miner is away");
    run.handle_time(START + Duration::from_secs(300));
    let Some(End::Failed { reason, message }) = run.end() else { panic!("{run:?}") };
    assert_eq!(reason, "DeadlineExceeded");
    assert_eq!(message, "deadline of 5m passed, 4 not mined; the miner is away");
    let report = run.report();
    assert_eq!(report.phase, BroadcastPhase::Failed);
    let reasons: Vec<_> = report.transactions.iter().filter_map(|one| one.reason.clone()).collect();
    assert_eq!(reasons, ["not mined before the deadline", "not accepted before the deadline"]);
    assert!(run.saved().1.unresolved.is_empty(), "nobody goes on with it");
}

#[test]
fn one_that_is_refused_does_not_hold_up_the_others() {
    let mut run = Run::new(plan(2));
    (1..=2).for_each(|number| make(&mut run, number));
    write(&mut run);
    run.poll_send(START).expect("sent");
    run.handle_outcome(1, Outcome::Rejected { words: "double spend".to_owned() }, START);
    run.handle_time(START);
    assert_eq!(run.end(), None);
    run.poll_send(START + SECOND).expect("sent");
    run.handle_outcome(2, accepted(), START + SECOND);
    run.handle_sights(&[2], &[sight(9, &[mined(8, 1)])], START + SECOND);
    run.handle_time(START + SECOND);
    let Some(End::Failed { reason, message }) = run.end() else { panic!("{run:?}") };
    assert_eq!(reason, "Rejected");
    assert_eq!(message, "1 of 2 failed: Rejected: double spend");
}

#[test]
fn phases_follow_what_is_done() {
    let mut run = Run::new(plan(1));
    assert_eq!(run.phase(), BroadcastPhase::Funding);
    make(&mut run, 1);
    assert_eq!(run.phase(), BroadcastPhase::Running);
    write(&mut run);
    run.poll_send(START).expect("sent");
    assert_eq!(run.phase(), BroadcastPhase::Mining);
    run.handle_cancel();
    assert_eq!(run.phase(), BroadcastPhase::Cancelled);
    assert_eq!(run.poll_send(START + SECOND), None);
    assert_eq!(run.poll_make(), None);
}

#[test]
fn a_report_of_another_run_is_refused() {
    let saved = Saved { report: Report { wanted: 3, ..Report::default() }, unresolved: Vec::new() };
    let error = Run::resume(plan(2), saved, START).expect_err("another");
    assert!(matches!(error, SavedError::AnotherRun { theirs: 3, ours: 2 }), "{error}");
    let empty = Run::resume(plan(2), Saved::default(), START).expect("nothing was written");
    assert_eq!(empty.missing(), 2);
}

#[test]
fn what_is_kept_is_bounded_and_who_has_no_word_comes_first() {
    let mut run = Run::new(Plan { interval: Duration::ZERO, window: 1000, ..plan(300) });
    for number in 1..=300 {
        run.handle_made(number, id(number), vec![0; 1500].into(), START);
    }
    write(&mut run);
    for number in 1..=300 {
        assert_eq!(run.poll_send(START).map(|order| order.number), Some(number));
        if number <= 250 {
            run.handle_outcome(number, accepted(), START);
        }
    }
    let saved = run.saved().1;
    let bytes: usize = saved.unresolved.iter().map(|one| one.hex.len()).sum();
    assert!((590_000..=600_000).contains(&bytes), "{bytes}");
    let kept: BTreeSet<u32> = saved.unresolved.iter().map(|one| one.number).collect();
    assert!((251..=300).all(|number| kept.contains(&number)));
    let all = serde_json::to_vec(&saved.report).expect("JSON").len() + bytes;
    assert!(all < 1_000_000, "{all}");
}
