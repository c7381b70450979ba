//! Loops as sensors.

use std::time::{Duration, Instant};

use mixbed_client::core::{LoopReport, Loops};
use mixbed_wire::NodeId;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

const DELAYS: Duration = Duration::from_millis(400);

/// Loops at one a second through a net with `width` mixes a layer, of which one (node 0 of layer
/// 2) takes a share of what it gets.
struct Net {
    loops: Loops<()>,
    now: Instant,
    width: u8,
    taken: f64,
    lost_on_links: f64,
    count: u128,
    rng: ChaCha20Rng,
}

const BAD: NodeId = node(2, 0);

const fn node(layer: u8, number: u8) -> NodeId {
    NodeId::from_bytes([layer, number, 0, 0, 0, 0, 0, 0])
}

impl Net {
    fn new(seed: u64, width: u8) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let (loops, now) = (Loops::default(), Instant::now());
        Self { loops, now, width, taken: 0.0, lost_on_links: 0.0, count: 0, rng }
    }

    fn one(&mut self) -> LoopReport {
        self.count += 1;
        let mut nodes = vec![node(0, 0), node(4, 0)];
        let mut lost = (0..10).any(|_| self.rng.random_bool(self.lost_on_links));
        for layer in [1, 2, 3, 1, 2, 3] {
            let mix = node(layer, self.rng.random_range(0..self.width));
            lost |= mix == BAD && self.rng.random_bool(self.taken);
            if !nodes.contains(&mix) {
                nodes.push(mix);
            }
        }
        let identifier = self.count.to_be_bytes();
        self.loops.handle_sent(identifier, (), DELAYS, nodes, self.now);
        self.now += Duration::from_secs(1);
        if !lost {
            assert!(self.loops.key(&identifier).is_some());
            self.loops.handle_returned(&identifier, self.now);
        }
        self.loops.handle_timeout(self.now);
        self.loops.report()
    }
}

#[test]
fn a_mix_that_takes_everything_is_seen_within_half_a_minute_and_named() {
    for seed in 0..20 {
        let mut net = Net::new(seed, 2);
        for _ in 0..200 {
            assert!(!net.one().is_bad());
        }
        net.taken = 1.0;
        let seen = (1..200).find(|_| net.one().is_bad()).expect("it is seen");
        // 23 loops on average, and five seconds until one is given up.
        assert!((17..=45).contains(&seen), "seed {seed}: {seen} s");
        for _ in 0..64 {
            net.one();
        }
        let (worst, share) = net.loops.report().worst().expect("enough loops");
        assert_eq!((worst, share.returned), (BAD, 0), "seed {seed}");
        net.taken = 0.0;
        for _ in 0..80 {
            net.one();
        }
        assert!(!net.loops.report().is_bad(), "it is forgotten when it is over");
    }
}

#[test]
fn one_percent_of_loss_on_each_link_is_no_alarm_and_five_are() {
    let bad = |loss| {
        let mut net = Net::new(7, 2);
        net.lost_on_links = loss;
        (0..5000).filter(|_| net.one().is_bad()).count()
    };
    let (few, many) = (bad(0.01), bad(0.05));
    assert!(few < 25, "{few} of 5,000");
    assert!(many > 4000, "{many} of 5,000");
}

#[test]
fn too_few_loops_say_nothing() {
    let mut net = Net::new(1, 2);
    net.lost_on_links = 1.0;
    for _ in 0..LoopReport::ENOUGH {
        assert!(!net.one().is_bad());
    }
    for _ in 0..6 {
        net.one();
    }
    assert!(net.loops.report().is_bad());
}

#[test]
fn what_is_kept_is_bounded_and_a_lost_link_says_nothing_about_the_net() {
    let mut loops = Loops::<()>::default();
    let now = Instant::now();
    for number in 0..2 * Loops::<()>::UNDER_WAY as u128 {
        loops.handle_sent(number.to_be_bytes(), (), DELAYS, vec![BAD], now);
    }
    assert!(loops.key(&0_u128.to_be_bytes()).is_none(), "the first was given up");
    loops.handle_link_lost();
    assert_eq!((loops.poll_timeout(), loops.handle_timeout(now + DELAYS * 100)), (None, 0));
    assert_eq!(loops.report().recent.ended, 0);

    loops.handle_sent([1; 16], (), DELAYS, vec![BAD], now);
    let due = loops.poll_timeout().expect("one is under way");
    assert_eq!(due, now + DELAYS + Loops::<()>::GRACE);
    assert_eq!(loops.handle_timeout(due), 1);
    loops.handle_returned(&[1; 16], due);
    assert_eq!((loops.report().returned, loops.report().lost), (0, 1), "late is lost");
}
