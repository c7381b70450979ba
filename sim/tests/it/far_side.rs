//! What somebody learns who watches a provider's links from outside, both ways.
//!
//! One client is all that talks through the network, which is the hardest case: nothing of others
//! hides it. Chance is kept out by fixed seeds; the levels are those of runs with other seeds.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use mixbed_directory::{Parameters, Rates};
use mixbed_sim::{Config, Transparent, Workload};

use crate::observer::{Classes, FEATURES, Seen};
use crate::sim;

/// How long each run is watched, after its beginning, in seconds.
const WATCHED: f64 = 80.0;

/// What is compared: stretches of so many seconds.
const WINDOW: f64 = 5.0;

/// What passes the links of the only provider while its only client does this.
fn watch(seed: u64, workload: Workload) -> Seen {
    let config = Config {
        gateways: 1,
        mixes_a_layer: 2,
        clients: 1,
        parameters: Parameters { rates: Rates::COVER, ..Parameters::default() },
        workload,
        ..Config::new(seed)
    };
    let watched = Rc::new(RefCell::new(Seen::default()));
    let heard = Rc::clone(&watched);
    let mut sim = sim::<Transparent>(config);
    sim.transcript_mut().listen(move |happening| {
        let mut now = heard.borrow_mut();
        #[expect(clippy::cast_precision_loss, reason = "minutes in nanoseconds")]
        let at = happening.at as f64 / 1e9;
        match (happening.what, happening.who, happening.whom) {
            ("packet", "provider-0", _) => now.came.push(at),
            // It is noted when it is at the other end of the link.
            ("packet", _, "provider-0") => now.left.push(at - 0.005),
            _ => {}
        }
    });
    sim.run_until(Duration::from_secs_f64(WATCHED + 10.0));
    let report = sim.report();
    assert!(report.packets.close(), "seed {seed}: {report:?}");
    assert_eq!(report.requests.unanswered, 0, "seed {seed}: {report:?}");
    let asks = workload.every.is_some();
    assert!(!asks || report.requests.answered > 50, "seed {seed}: {report:?}");
    drop(sim);
    Rc::try_unwrap(watched).expect("the run is over").into_inner().since(10.0)
}

fn idles(seed: u64) -> Seen {
    watch(seed, Workload { every: None, ..Workload::default() })
}

/// It asks all the time: as a broadcast does, or for long answers.
fn asks(seed: u64, every_ms: u64, bytes: usize) -> Seen {
    let every = Some(Duration::from_millis(every_ms));
    watch(seed, Workload { every, bytes, ..Workload::default() })
}

#[test]
fn no_packet_that_leaves_a_provider_is_paired_with_one_that_came() {
    // 50 ms of mean delay: so many leave within 3 ms by their own delay.
    let at_once = 1.0 - (-3.0_f64 / 50.0).exp();
    for (what, seen) in [("idle", idles(1)), ("busy", asks(2, 100, 1_800))] {
        let pairs = seen.pairs(0.003);
        println!("{what}: {pairs:?}");
        let most = 1.0 - (1.0 - pairs.by_chance) * (1.0 - at_once);
        assert!(pairs.left > 2_000, "{what}: {pairs:?}");
        assert!(pairs.share < most + 4.0 * pairs.deviation, "{what}: {pairs:?}, {most}");
        assert!(Seen { left: seen.came.clone(), ..seen }.pairs(0.003).share > 0.999, "it can tell");
    }
}

#[test]
fn as_many_packets_leave_as_come_whatever_they_say() {
    for (what, seen) in
        [("idle", idles(3)), ("busy", asks(4, 100, 1_800)), ("long", asks(5, 1_000, 20_000))]
    {
        let (came, left) = (seen.came.len(), seen.left.len());
        println!("{what}: {came} came, {left} left");
        assert!(came.abs_diff(left) < 25, "{what}: {came} came, {left} left");
    }
}

#[test]
fn a_client_that_asks_all_the_time_and_one_that_idles_are_not_told_apart() {
    let runs = |first, of: &dyn Fn(u64) -> Seen| {
        (first..first + 6).flat_map(|seed| of(seed).windows(WINDOW)).collect::<Vec<_>>()
    };
    let idle = runs(10, &idles);
    for (what, busy) in [
        ("broadcasts", runs(20, &|seed| asks(seed, 100, 1_800))),
        ("long answers", runs(30, &|seed| asks(seed, 1_000, 20_000))),
    ] {
        let told = Classes { idle: &idle, busy: &busy }.told();
        println!("{what}: {told:?}");
        assert!(told.interval().contains(&0.5), "{what}: {told:?}");
    }
    // It tells what can be told: a provider that answers at once, and one that drops do not move.
    let mute = |windows: &[Seen]| -> Vec<Seen> {
        windows.iter().map(|seen| seen.clone().with_every_nth_left(3)).collect()
    };
    let told = Classes { idle: &mute(&idle), busy: &idle }.told();
    assert!(told.area > 0.99, "{told:?}");
    let hasty: Vec<_> =
        idle.iter().map(|seen| Seen { left: seen.came.clone(), came: seen.came.clone() }).collect();
    let told = Classes { idle: &hasty, busy: &idle }.told();
    assert!(told.area > 0.99, "{told:?} by {FEATURES} features");
}
