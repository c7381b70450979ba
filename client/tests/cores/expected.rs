//! Answers whose length was known about: their reply blocks are there before them.

use std::time::Duration;

use mixbed_client::core::Event;
use mixbed_node::provider::exchange::{Bounds, Exchange};
use mixbed_wire::message::Response;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::pair::Pair;
use crate::plain::{MEAN, Plain};

const MINUTE: Duration = Duration::from_secs(60);

/// What one part of an answer carries.
const PART: usize = 2686;

fn lost(pair: &Pair<Plain>) -> usize {
    pair.packet_events.iter().filter(|event| matches!(event, Event::PacketLost(_))).count()
}

/// The answer to an echo is as long as its request: here it has to be another one.
fn answering(seed: u64, loss: f64, length: usize) -> Pair<Plain> {
    let mut pair = Pair::new(Plain, seed, loss);
    pair.answer_length = Some(length);
    pair
}

/// One packet there for the request, one for each six parts more, one back for each part; nothing
/// is sent again, and it takes no second round trip.
#[test]
fn an_expected_answer_takes_one_round_trip() {
    for (length, parts) in [(1, 1), (PART, 2), (45_000, 17), (150_000, 56)] {
        let (mut once, mut twice) = (Duration::ZERO, Duration::ZERO);
        for seed in 0..100 {
            let mut pair = answering(seed, 0.0, length);
            let message = pair.order_expecting(b"x", MINUTE, length);
            let delivered = pair.finish(message).expect("answered");
            assert_eq!(delivered.response, Response::Ok(vec![7; length]), "seed {seed}");
            let ahead = (parts - 1_u64).div_ceil(6);
            assert_eq!(delivered.tried.packets_sent, 1 + ahead, "seed {seed}, {length} bytes");
            assert_eq!(delivered.tried.retransmissions, 0, "seed {seed}");
            assert_eq!(pair.counts.back, parts, "seed {seed}");
            assert_eq!(lost(&pair), 0, "seed {seed}");
            once += delivered.elapsed;
            pair.run();
            pair.assert_clean();

            let mut pair = answering(seed, 0.0, length);
            let message = pair.order(b"x", MINUTE);
            twice += pair.finish(message).expect("answered").elapsed;
        }
        let (once, twice) = (once / 100, twice / 100);
        println!("{length} bytes: {once:?} expected, {twice:?} not");
        // It waits for the longest of so many ways back, each as long as it was drawn: 56 of them
        // are twice as long as one.
        assert!(parts == 1 || once < twice * 4 / 5, "{length} bytes: {once:?}, not {twice:?}");
        assert!(once < 20 * MEAN, "{length} bytes: {once:?}");
    }
}

/// While the service works, the blocks wait with the provider. Nobody takes their packets for lost,
/// nor asks for what is on its way when it has answered.
#[test]
fn a_slow_services_answer_comes_by_the_blocks_that_were_there() {
    for seed in 0..50 {
        for service_time in [700, 2000, 20_000].map(Duration::from_millis) {
            let mut usual = answering(seed, 0.0, 100);
            usual.service_time = service_time;
            let message = usual.order(b"x", MINUTE);
            let usual = usual.finish(message).expect("answered");

            let mut pair = answering(seed, 0.0, 45_000);
            pair.service_time = service_time;
            let message = pair.order_expecting(b"x", MINUTE, 45_000);
            let delivered = pair.finish(message).expect("answered");
            let after = delivered.elapsed.saturating_sub(service_time);
            assert!(after < 40 * MEAN, "seed {seed}: {after:?} besides {service_time:?}");
            // Three packets with blocks; questions as without them, one more or less by chance.
            let sent = delivered.tried.packets_sent;
            let most = usual.tried.packets_sent + 3 + 1;
            assert!(sent <= most, "seed {seed}, {service_time:?}: {sent} packets, not {most}");
            assert!(lost(&pair) <= 2, "seed {seed}: the fragment, and once a question");
            pair.run();
            pair.assert_clean();
        }
    }
}

#[test]
fn a_wrong_guess_costs_packets_and_no_more() {
    for (expected, length) in [(45_000, 0), (45_000, 10_000), (10_000, 45_000), (9 << 20, 500_000)]
    {
        for seed in 0..20 {
            let mut pair = answering(seed, 0.0, length);
            let message = pair.order_expecting(b"x", MINUTE, expected);
            let delivered = pair.finish(message).expect("answered");
            assert_eq!(delivered.response, Response::Ok(vec![7; length]), "seed {seed}");
            assert_eq!(delivered.tried.retransmissions, 0, "seed {seed}");
            assert_eq!(lost(&pair), 0, "what no part went by is not taken for lost");
            let parts = (length as u64 + 1).div_ceil(PART as u64);
            assert_eq!(pair.counts.back, parts, "seed {seed}: nothing is sent twice");
            pair.run();
            pair.assert_clean();
        }
    }
}

#[test]
fn expected_answers_arrive_once_at_every_loss() {
    for (round, loss) in (0_u64..).zip([0.01, 0.1, 0.25, 0.5]) {
        for at in 0..20 {
            let seed = at + 1000 * round;
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let length = rng.random_range(0..200_000);
            let mut pair = answering(seed, loss, length);
            pair.twice = at % 5 == 0;
            pair.service_time = Duration::from_millis(rng.random_range(0..3000));
            let request = vec![1; rng.random_range(0..20_000)];
            let expected = rng.random_range(0..200_000);
            let message = pair.order_expecting(&request, 60 * MINUTE, expected);
            let delivered = pair.finish(message).expect("long before an hour has passed");
            assert!(delivered.response == Response::Ok(vec![7; length]), "seed {seed}");
            assert_eq!(pair.runs.values().copied().collect::<Vec<_>>(), [1], "seed {seed}");
            pair.run();
            pair.assert_clean();
        }
    }
}

/// With a tenth of all packets lost each way, the blocks that arrived bring their parts, and what is
/// missing is asked for: it takes no longer than without blocks ahead, but for chance.
#[test]
fn blocks_sent_ahead_cost_no_time_where_packets_are_lost() {
    let (mut ahead, mut without) = (Duration::ZERO, Duration::ZERO);
    for seed in 0..100 {
        let mut pair = answering(seed, 0.1, 45_000);
        let message = pair.order_expecting(b"x", MINUTE, 45_000);
        ahead += pair.finish(message).expect("answered").elapsed;
        let mut pair = answering(seed, 0.1, 45_000);
        let message = pair.order(b"x", MINUTE);
        without += pair.finish(message).expect("answered").elapsed;
    }
    println!("{:?} with blocks ahead, {:?} without", ahead / 100, without / 100);
    assert!(ahead < without * 11 / 10, "{ahead:?}, not {without:?}");
}

#[test]
fn a_provider_that_forgot_everything_gets_blocks_again() {
    for seed in 0..20 {
        for after in [100, 300, 500, 800, 2000] {
            let mut pair = answering(seed, 0.1, 45_000);
            pair.service_time = Duration::from_millis(400);
            let message = pair.order_expecting(&[9; 10_000], 10 * MINUTE, 45_000);
            pair.run_for(Duration::from_millis(after));
            pair.exchange = Exchange::new(Bounds::default());
            let ended = pair.ended.remove(&message).unwrap_or_else(|| pair.finish(message));
            assert_eq!(ended.expect("answered").response, Response::Ok(vec![7; 45_000]));
            pair.run();
            pair.assert_clean();
        }
    }
}
