//! Broadcast-sized messages over networks with dead nodes and links that lose.

use std::time::Duration;

use mixbed_node::provider::exchange::Bounds;

use crate::pair::Pair;
use crate::routed::{Routed, mix};

const MINUTE: Duration = Duration::from_secs(60);
const TRANSACTION: [u8; 2166] = [7; 2166];

/// How long messages took; failures took for ever.
#[derive(Default)]
struct Times(Vec<Option<Duration>>);

impl Times {
    /// Some messages, one begun each second.
    fn of(pair: &mut Pair<Routed>, count: usize) -> Self {
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(pair.order(&TRANSACTION, MINUTE));
            pair.run_for(Duration::from_secs(1));
        }
        let time = |message| pair.finish(message).ok().map(|delivered| delivered.elapsed);
        Self(messages.into_iter().map(time).collect())
    }

    fn failed(&self) -> usize {
        self.0.iter().filter(|time| time.is_none()).count()
    }

    /// The time within which this many of a hundred had ended well, in seconds.
    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted: Vec<_> = self
            .0
            .iter()
            .map(|time| time.map_or(f64::INFINITY, |time| time.as_secs_f64()))
            .collect();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() - 1) * percent / 100]
    }
}

struct DeadMix {
    first_five: Times,
    later: Times,
    /// The share of the mixes chosen that were the dead one.
    dead: f64,
}

/// Twenty messages, one a second, with one of the six mixes dead; many times.
fn with_a_dead_mix(learns: bool) -> DeadMix {
    let (mut first_five, mut later) = (Times::default(), Times::default());
    let (mut chosen, mut dead) = (0, 0);
    for seed in 0..100 {
        let mut routed = Routed::new(2);
        routed.learns = learns;
        routed.dead.insert(mix(2, 0));
        let mut pair = Pair::new(routed, seed, 0.0);
        let mut times = Times::of(&mut pair, 20).0;
        later.0.extend(times.split_off(5));
        first_five.0.extend(times);
        chosen += pair.carrier.chosen;
        dead += pair.carrier.chosen_dead;
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let dead = dead as f64 / chosen as f64;
    DeadMix { first_five, later, dead }
}

/// Three of four round trips meet a dead mix of two in its layer, as long as routes are even.
/// Measured without learning and with: the first five's median 1.8 and 0.6 s, the later ones'
/// 1.3 and 0.4 s (which is what it takes without any dead mix), of those nine in ten within 3.2
/// and 0.7 s.
#[test]
fn a_dead_mix_is_soon_avoided() {
    let even = with_a_dead_mix(false);
    let learnt = with_a_dead_mix(true);
    for DeadMix { first_five, later, dead } in [&even, &learnt] {
        println!(
            "first five: {:.2} s, 90 % {:.2} s, all {:.2} s; later {:.2}, {:.2}, {:.2} s; dead mix \
             chosen {:.1} %",
            first_five.percentile(50),
            first_five.percentile(90),
            first_five.percentile(100),
            later.percentile(50),
            later.percentile(90),
            later.percentile(100),
            100.0 * dead,
        );
    }
    assert!((0.15..0.18).contains(&even.dead), "one in six: {}", even.dead);
    assert!(learnt.dead < 0.05, "{}", learnt.dead);
    assert!(learnt.first_five.percentile(50) < even.first_five.percentile(50) / 2.0);
    assert!(learnt.later.percentile(90) < 1.0, "{}", learnt.later.percentile(90));
    assert_eq!(learnt.first_five.failed() + learnt.later.failed(), 0);
}

#[test]
fn a_mix_that_came_back_is_used_again() {
    let mut routed = Routed::new(2);
    routed.dead.insert(mix(2, 0));
    let mut pair = Pair::new(routed, 1, 0.0);
    Times::of(&mut pair, 30);
    assert!(pair.messenger.suspicion().weight(mix(2, 0), pair.now) < 0.1);
    pair.carrier.dead.clear();
    Times::of(&mut pair, 120);
    let weight = pair.messenger.suspicion().weight(mix(2, 0), pair.now);
    assert!(weight > 0.5, "{weight}");
}

/// What [`Loss`](mixbed_client::core::Loss) promises of the default deadline: measured medians are
/// 0.5, 0.5, 0.6, 4.2, 9.3 s, and the longest of 300 times 1, 2.1, 4.3, 13 s; at 30 % one in 200 is
/// not through in a minute.
#[test]
fn links_that_lose_a_fifth_of_all_packets_still_let_each_message_through_in_a_minute() {
    for (loss, median, longest) in
        [(0.0, 0.6, 2.0), (0.01, 0.7, 6.0), (0.05, 1.2, 12.0), (0.2, 7.0, 30.0), (0.3, 15.0, 60.0)]
    {
        let mut times = Times::default();
        for seed in 0..100 {
            let mut routed = Routed::new(2);
            routed.link_loss = loss;
            let mut pair = Pair::new(routed, seed, 0.0);
            times.0.extend(Times::of(&mut pair, 3).0);
        }
        let few = loss > 0.2;
        let (half, all) = (times.percentile(50), times.percentile(if few { 98 } else { 100 }));
        println!("{loss}: {half:.2} s, 90 % {:.2} s, all {all:.2} s", times.percentile(90));
        assert!(times.failed() <= if few { 4 } else { 0 }, "at {loss}");
        assert!(half < median && all < longest, "at {loss}: {half} s, {all} s");
    }
}

/// At a loss of half on each link, one round trip in 1,024 is good: a minute is enough for one
/// message in four, and half an hour for all.
#[test]
fn links_that_lose_half_of_all_packets_take_long_but_let_messages_through() {
    for seed in 0..10 {
        let mut routed = Routed::new(2);
        routed.link_loss = 0.5;
        let mut pair = Pair::new(routed, seed, 0.0);
        let message = pair.order(&TRANSACTION, 60 * MINUTE);
        let delivered = pair.finish(message).expect("answered");
        assert!(delivered.elapsed < 30 * MINUTE, "seed {seed}: {:?}", delivered.elapsed);
        // A provider remembers a response for five minutes.
        let runs: u32 = pair.runs.values().sum();
        let most = 1 + delivered.elapsed.as_secs() / Bounds::default().done_age.as_secs();
        assert!(u64::from(runs) <= most, "seed {seed}: {runs} times");
        println!("{:?}, {} packets", delivered.elapsed, delivered.tried.packets_sent);
    }
}

/// Loss that spares no route makes no route worse than another.
#[test]
fn loss_everywhere_incriminates_nobody() {
    let mut worst = Vec::new();
    for seed in 0..20 {
        let mut routed = Routed::new(3);
        routed.link_loss = 0.2;
        let mut pair = Pair::new(routed, seed, 0.0);
        Times::of(&mut pair, 30);
        let suspicion = pair.messenger.suspicion();
        assert!(suspicion.chance() > 0.6, "seed {seed}: {}", suspicion.chance());
        let weights = (1..=3).flat_map(|layer| (0..3).map(move |number| mix(layer, number)));
        worst.extend(weights.map(|mix| suspicion.weight(mix, pair.now)));
    }
    worst.sort_by(f64::total_cmp);
    println!("weights: {:.3} to {:.3}, median {:.3}", worst[0], worst[179], worst[90]);
    assert!(worst[18] > 0.2, "nine in ten are chosen about as readily: {worst:?}");
}
