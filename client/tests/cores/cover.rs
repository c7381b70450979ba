//! What leaves a client with cover, busy or idle: seen from outside, in virtual time.

use std::time::{Duration, Instant};

use mixbed_directory::Rates;
use mixbed_wire::message::Response;

use crate::ks;
use crate::pair::Pair;
use crate::plain::Plain;

const RATES: Rates =
    Rates { payload: 20.0, drop: 5.0, client_loop: 5.0, node_loop: 0.0, downlink: 0.0 };
const SUM: f64 = 30.0;
const MINUTES: Duration = Duration::from_secs(100);
const LONG: Duration = Duration::from_secs(24 * 3600);

fn client(seed: u64, rates: Rates) -> Pair<Plain> {
    let mut pair = Pair::new(Plain, seed, 0.02);
    pair.cover_at(rates);
    pair
}

/// A client with nothing to say.
fn idle(seed: u64, rates: Rates) -> Pair<Plain> {
    let mut pair = client(seed, rates);
    pair.run_for(MINUTES);
    pair
}

/// A client that says something every second: small, large, and at times more than fits.
fn busy(seed: u64, rates: Rates) -> Pair<Plain> {
    let mut pair = client(seed, rates);
    for second in 0..MINUTES.as_secs() {
        let size = if second % 10 == 0 { 60_000 } else { 2_000 };
        pair.order(&vec![7; size], LONG);
        pair.run_for(Duration::from_secs(1));
    }
    assert!(pair.payload_sent > 300, "{} of payload", pair.payload_sent);
    pair
}

fn gaps(left: &[Instant]) -> Vec<f64> {
    left.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect()
}

/// How far a count is from what is expected, in deviations of a Poisson distribution.
fn deviations(count: usize, expected: f64) -> f64 {
    let count = f64::from(u32::try_from(count).expect("not so many"));
    (count - expected).abs() / expected.sqrt()
}

#[test]
fn gaps_and_counts_are_the_same_with_and_without_payload() {
    let expected = SUM * MINUTES.as_secs_f64();
    for seed in 0..4 {
        let (busy, idle) = (busy(seed, RATES), idle(seed + 100, RATES));
        for left in [&busy.left, &idle.left] {
            let distance = ks::against_exponential(&gaps(left), SUM);
            assert!(distance < 1.0, "seed {seed}: {distance} of the bound");
            let deviations = deviations(left.len(), expected);
            assert!(deviations < 3.3, "seed {seed}: {} for {expected}", left.len());
        }
        let distance = ks::against_each_other(&gaps(&busy.left), &gaps(&idle.left));
        assert!(distance < 1.0, "seed {seed}: {distance} of the bound");
    }
}

#[test]
fn with_the_payloads_clock_off_the_same_test_tells_them_apart() {
    let rates = Rates { payload: 0.0, ..RATES };
    let (busy, idle) = (busy(1, rates), idle(101, rates));
    assert!(ks::against_each_other(&gaps(&busy.left), &gaps(&idle.left)) > 1.5);
    assert!(ks::against_exponential(&gaps(&busy.left), 10.0) > 1.5);
    let expected = 10.0 * MINUTES.as_secs_f64();
    assert!(
        deviations(idle.left.len(), expected) < 3.3 && deviations(busy.left.len(), expected) > 5.0
    );
}

#[test]
fn with_all_rates_at_zero_an_idle_client_is_silent() {
    let off = Rates::default();
    assert!(idle(1, off).left.is_empty());
    let busy = busy(1, off);
    assert_eq!(u64::try_from(busy.left.len()), Ok(busy.payload_sent), "and nothing but payload");
}

/// 27 fragments at two packets a second wait up to 14 s for their ticks: that is not loss.
#[test]
fn waiting_for_a_tick_is_not_taken_for_loss() {
    for seed in 0..10 {
        let mut pair = Pair::new(Plain, seed, 0.0);
        pair.cover_at(Rates { payload: 2.0, ..Rates::default() });
        let payload = vec![1; 60_000];
        let message = pair.order(&payload, LONG);
        let delivered = pair.finish(message).expect("answered");
        assert_eq!(delivered.response, Response::Ok(payload));
        assert_eq!(delivered.tried.retransmissions, 0, "seed {seed}");
        assert!(delivered.elapsed > Duration::from_secs(8), "{:?}", delivered.elapsed);
    }
}

#[test]
fn rates_change_while_it_runs() {
    let mut pair = client(1, Rates::default());
    pair.run_for(MINUTES);
    assert!(pair.left.is_empty());
    pair.cover_at(RATES);
    pair.run_for(MINUTES);
    let count = pair.left.len();
    assert!(deviations(count, SUM * MINUTES.as_secs_f64()) < 3.3, "{count}");
    pair.cover_at(Rates { payload: 2.0, ..Rates::default() });
    pair.run_for(MINUTES);
    let more = pair.left.len() - count;
    assert!(deviations(more, 2.0 * MINUTES.as_secs_f64()) < 3.3, "{more}");
    pair.cover_at(Rates::default());
    let count = pair.left.len();
    pair.run_for(MINUTES);
    assert_eq!(pair.left.len(), count);
}
