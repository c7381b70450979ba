//! Any schedule of losses, copies and late arrivals, packet by packet: what a network does on
//! purpose, not by chance. proptest shrinks a schedule that breaks a property to its core, prints
//! it and keeps its seed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mixbed_node::provider::exchange::Bounds;
use mixbed_wire::message::{MessageId, Response};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::pair::Pair;
use crate::plain::Plain;

/// Four hops that hold a packet for as long as they may: nothing honest is later.
const LATEST: u64 = 4 * 60_000;

/// One packet's fate: how often it arrives, and how late, in milliseconds.
fn fate() -> impl Strategy<Value = Vec<Duration>> {
    let late = prop_oneof![8 => 0..50_u64, 3 => 0..5_000_u64, 1 => 0..LATEST];
    let late = late.prop_map(Duration::from_millis);
    prop_oneof![
        3 => Just(Vec::new()),
        5 => vec(late.clone(), 1),
        1 => vec(late, 2..4),
    ]
}

#[derive(Clone, Debug)]
struct Message {
    after: Duration,
    size: usize,
    deadline: Duration,
}

fn message(deadline: std::ops::Range<u64>) -> impl Strategy<Value = Message> {
    let size = prop_oneof![Just(0_usize), Just(2284), Just(2285), 1..40_000_usize];
    (0..3_000_u64, size, deadline).prop_map(|(after, size, deadline)| Message {
        after: Duration::from_millis(after),
        size,
        deadline: Duration::from_secs(deadline),
    })
}

#[derive(Clone, Debug)]
struct Schedule {
    seed: u64,
    service_time: Duration,
    messages: Vec<Message>,
    fates: Vec<Vec<Duration>>,
}

fn schedule(deadline: std::ops::Range<u64>, fates: usize) -> impl Strategy<Value = Schedule> {
    let service_time = prop_oneof![0..50_u64, 0..20_000_u64];
    (any::<u64>(), service_time, vec(message(deadline), 1..5), vec(fate(), 0..fates)).prop_map(
        |(seed, service_time, messages, fates)| Schedule {
            seed,
            service_time: Duration::from_millis(service_time),
            messages,
            fates,
        },
    )
}

/// Runs a schedule to its end; says of each message whether it was answered.
fn run(schedule: &Schedule) -> Result<(Pair<Plain>, Vec<bool>), TestCaseError> {
    let mut pair = Pair::new(Plain, schedule.seed, 0.0);
    pair.service_time = schedule.service_time;
    pair.fates = schedule.fates.iter().cloned().collect();
    let mut waiting = Vec::new();
    for (number, message) in (0_u8..).zip(&schedule.messages) {
        pair.run_for(message.after);
        let payload = vec![number; message.size];
        waiting.push((pair.order(&payload, message.deadline), pair.now, payload, message.deadline));
    }
    let mut answered = Vec::new();
    for (message, began, payload, deadline) in waiting {
        let ended = pair.finish(message);
        answered.push(ended.is_ok());
        if let Ok(delivered) = ended {
            prop_assert!(delivered.response == Response::Ok(payload), "other bytes came back");
            prop_assert!(delivered.elapsed <= deadline);
        } else {
            prop_assert!(pair.now >= began + deadline, "given up before its deadline");
        }
    }
    // Whatever is still on its way arrives.
    pair.run();
    prop_assert!(pair.ended.is_empty(), "a message ended twice");
    pair.assert_clean();
    Ok((pair, answered))
}

/// A service runs once while the provider remembers that it did.
fn ran_once(calls: &[(MessageId, Instant)]) -> Result<(), TestCaseError> {
    let mut last = HashMap::new();
    for (message, at) in calls {
        if let Some(before) = last.insert(*message, *at) {
            let apart = *at - before;
            prop_assert!(apart >= Bounds::default().done_age, "ran again after {apart:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// With time enough every message is answered, however the first few hundred packets fared.
    #[test]
    fn every_message_is_answered_once_the_weather_clears(schedule in schedule(80_000..90_000, 300)) {
        let (pair, answered) = run(&schedule)?;
        prop_assert!(answered.iter().all(|answered| *answered));
        prop_assert_eq!(pair.runs.len(), schedule.messages.len());
        ran_once(&pair.calls)?;
    }

    /// With little time some are not; but each ends, at its deadline at the latest, and what was
    /// answered has run.
    #[test]
    fn every_message_ends_at_its_deadline(schedule in schedule(1..60, 2000)) {
        let (pair, answered) = run(&schedule)?;
        let served = answered.iter().filter(|answered| **answered).count();
        prop_assert!(pair.runs.len() >= served);
        ran_once(&pair.calls)?;
    }
}
