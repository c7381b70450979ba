//! Every message arrives once, whatever the network does to packets.

use std::time::Duration;

use mixbed_wire::message::Response;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::pair::Pair;
use crate::plain::Plain;

const LONG: Duration = Duration::from_secs(24 * 3600);

fn payload(seed: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

#[test]
fn every_size_arrives_once_at_every_loss() {
    let edges = [0, 1, 2283, 2284, 2285, 4573, 27_867, 140_000];
    for (round, loss) in (0_u64..).zip([0.0, 0.01, 0.1, 0.25, 0.5]) {
        for at in 0..12 {
            let seed = at as u64 + 1000 * round;
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let size = edges.get(at).copied();
            let size = size.unwrap_or_else(|| rng.random_range(1..140_000));
            let mut pair = Pair::new(Plain, seed, loss);
            let sent = payload(seed, size);
            let message = pair.order(&sent, LONG);
            let delivered = pair.finish(message).expect("long before a day has passed");
            assert!(delivered.response == Response::Ok(sent), "seed {seed}: other bytes came back");
            assert_eq!(pair.runs.values().copied().collect::<Vec<_>>(), [1], "seed {seed}");
            pair.run();
            pair.assert_clean();
        }
    }
}

/// Without loss each fragment takes one packet and one answer; of an answer in several parts, those
/// after the first take a sixth of a packet each.
#[test]
fn without_loss_no_packet_is_wasted() {
    for size in [1, 2284, 2285, 10_000, 27_867, 140_000_usize] {
        let mut pair = Pair::new(Plain, 1, 0.0);
        let message = pair.order(&payload(1, size), LONG);
        let tried = pair.finish(message).expect("answered").tried;
        let fragments = (size + 5).div_ceil(2285) as u64;
        let parts = (size + 1).div_ceil(2686) as u64;
        let polls = (parts - 1).div_ceil(6);
        assert_eq!(tried.packets_sent, fragments + polls, "{size} bytes");
        pair.run();
        assert_eq!(pair.counts.back, fragments + parts - 1, "{size} bytes");
        // Acknowledgements that come after the response are of no use any more.
        assert_eq!(tried.packets_received + pair.counts.dropped, pair.counts.back);
        assert_eq!(tried.retransmissions, 0, "{size} bytes");
    }
}

#[test]
fn copies_of_packets_change_nothing() {
    for seed in 0..10 {
        let mut pair = Pair::new(Plain, seed, 0.2);
        pair.twice = true;
        let sent = payload(seed, 30_000);
        let message = pair.order(&sent, LONG);
        let delivered = pair.finish(message).expect("answered");
        assert!(delivered.response == Response::Ok(sent), "seed {seed}");
        pair.run();
        assert_eq!(pair.runs.values().copied().collect::<Vec<_>>(), [1], "seed {seed}");
        assert!(pair.counts.dropped > 0, "copies of replies are dropped by name");
        pair.assert_clean();
    }
}

#[test]
fn many_messages_share_the_way() {
    let mut pair = Pair::new(Plain, 3, 0.1);
    let mut messages = Vec::new();
    for i in 0..40_u32 {
        let sent = payload(i.into(), 1 + 200 * i as usize * i as usize);
        messages.push((pair.order(&sent, LONG), sent));
    }
    for (message, sent) in messages {
        assert!(pair.finish(message).expect("answered").response == Response::Ok(sent));
    }
    assert_eq!(pair.runs.len(), 40);
    assert!(pair.runs.values().all(|runs| *runs == 1));
    pair.run();
    pair.assert_clean();
}

/// What is lost in time is lost with a bound: at 50 % a packet and its answer come through one
/// time in four.
#[test]
fn loss_costs_time_in_proportion() {
    let mut slowest = Duration::ZERO;
    for seed in 0..20 {
        let mut pair = Pair::new(Plain, seed, 0.5);
        let message = pair.order(&payload(seed, 2000), LONG);
        slowest = slowest.max(pair.finish(message).expect("answered").elapsed);
    }
    assert!(slowest < Duration::from_secs(240), "{slowest:?}");
}
