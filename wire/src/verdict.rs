//! Who takes packets, told by which loops came back.
#![deny(clippy::disallowed_methods)]

use std::time::Instant;

use crate::NodeId;
use crate::suspects::{LOOPS_JUDGED, STRETCHES, Suspects};

/// How a loop ended, and the way that it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopOutcome {
    /// The nodes that it was to pass, in this order, from the first after its sender's decision on;
    /// a node may be there twice.
    pub hops: Vec<NodeId>,
    /// Whether it came back in time and whole.
    pub returned: bool,
    /// When it came back, or was given up.
    pub ended: Instant,
}

/// What takes packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Culprit {
    /// A node, whatever it gets.
    Node(NodeId),
    /// What goes from one node to another.
    Link(NodeId, NodeId),
}

/// How many loops of how many did not come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Did not come back.
    pub lost: u32,
    /// Ended, one way or the other.
    pub of: u32,
}

/// That something takes packets, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What.
    pub culprit: Culprit,
    /// The loops that passed it.
    pub through: Lost,
    /// Those that did not.
    pub beside: Lost,
    /// The logarithm of how much better the losses are explained by the culprit than by all alike.
    pub evidence: f64,
}

/// Logarithm of the likelihood ratio that makes a verdict.
///
/// Twice it follows, for loops that are lost anywhere alike, a chi-squared distribution of one
/// degree: 12 or more has a probability of 1 in 10⁶ for each suspect and stretch of time. A net of
/// 9 nodes has 9 suspects and 21 links, and four stretches are looked at: 1 in 8,000.
const ENOUGH: f64 = 12.0;

/// A node that takes only a few per cent is not worth a name: links lose some, too.
const LEAST_DIFFERENCE: f64 = 0.15;

/// By how much a link must explain more than the best node before it is named in its place.
const LINK_AHEAD: f64 = 2.0;

/// By how much a suspect must explain more than any that is elsewhere, before it is named.
const AHEAD: f64 = 3.0;

/// Names what takes packets, if the loops tell: of all suspects the one whose loops are lost so
/// much more often than those beside it that chance hardly does it, and most of all.
///
/// `outcomes`: the latest last, of which [`LOOPS_JUDGED`] are looked at; those of several senders
/// may be mixed, which tells more. For a verdict after each loop see [`LoopRecord`].
///
/// How soon: a mix that takes everything in a layer of two is passed by three of four loops of a
/// client (its layer is passed twice) and by half of a node's. That makes 0.56 and 0.69 of evidence
/// a loop, so about 25 loops. One that spares one of its neighbours (an n - 1 attack) shows in a
/// third of that: about 60 loops. What ended before it began makes it up to twice as many. See the
/// tests for the figures.
///
/// [`LoopRecord`]: crate::LoopRecord
#[must_use]
pub fn judge(outcomes: &[LoopOutcome]) -> Option<Verdict> {
    let mut suspects = Suspects::default();
    for (later, outcome) in outcomes.iter().rev().take(LOOPS_JUDGED).enumerate() {
        suspects.add(outcome, later);
    }
    most_evident(&suspects)
}

/// Of the verdicts of all stretches the most evident one.
pub(crate) fn most_evident(suspects: &Suspects) -> Option<Verdict> {
    let verdicts = (0..STRETCHES.len()).filter_map(|stretch| judge_stretch(suspects, stretch));
    verdicts.max_by(|a, b| a.evidence.total_cmp(&b.evidence))
}

fn judge_stretch(suspects: &Suspects, stretch: usize) -> Option<Verdict> {
    let all = suspects.all(stretch)?;
    // No suspect explains more than all of it.
    let unexplained = all.likelihood();
    if -unexplained < ENOUGH {
        return None;
    }
    let mut verdicts: Vec<_> = suspects
        .met(stretch)
        .filter_map(|(culprit, through)| {
            let beside = Lost { lost: all.lost - through.lost, of: all.of - through.of };
            if through.share() - beside.share() < LEAST_DIFFERENCE {
                return None;
            }
            let evidence = through.likelihood() + beside.likelihood() - unexplained;
            Some(Verdict { culprit, through, beside, evidence })
        })
        .collect();
    let handicapped = |verdict: &Verdict| match verdict.culprit {
        Culprit::Node(_) => verdict.evidence,
        Culprit::Link(..) => verdict.evidence - LINK_AHEAD,
    };
    // Of two that explain as much, always the same one.
    verdicts.sort_by(|a, b| {
        handicapped(b).total_cmp(&handicapped(a)).then_with(|| a.culprit.cmp(&b.culprit))
    });
    let best = *verdicts.first()?;
    let elsewhere = verdicts.iter().find(|other| !best.culprit.touches(other.culprit));
    let ahead = elsewhere.is_none_or(|other| best.evidence >= other.evidence + AHEAD);
    (best.evidence >= ENOUGH && ahead).then_some(best)
}

impl Verdict {
    /// It in words, such as `mix-1-0 takes packets: 20 of 26 loops by way of it were lost, 0 of 14
    /// others`. `name` tells what a node is called.
    #[must_use]
    pub fn words(&self, name: impl Fn(NodeId) -> String) -> String {
        let Self { culprit, through, beside, .. } = self;
        let culprit = culprit.name(name);
        format!(
            "{culprit} takes packets: {} of {} loops by way of it were lost, {} of {} others",
            through.lost, through.of, beside.lost, beside.of
        )
    }
}

impl Culprit {
    /// What it is called: a node's name, or `one -> other`.
    #[must_use]
    pub fn name(self, name: impl Fn(NodeId) -> String) -> String {
        match self {
            Self::Node(node) => name(node),
            Self::Link(from, to) => format!("{} -> {}", name(from), name(to)),
        }
    }

    /// The node, or the ends of the link.
    #[must_use]
    pub fn nodes(self) -> [NodeId; 2] {
        match self {
            Self::Node(node) => [node, node],
            Self::Link(from, to) => [from, to],
        }
    }

    fn touches(self, other: Self) -> bool {
        self.nodes().iter().any(|node| other.nodes().contains(node))
    }
}

impl Lost {
    /// One more loop has ended.
    pub fn count(&mut self, returned: bool) {
        self.lost += u32::from(!returned);
        self.of += 1;
    }

    /// One that was counted counts no more.
    pub(crate) fn uncount(&mut self, returned: bool) {
        self.lost -= u32::from(!returned);
        self.of -= 1;
    }

    /// The share that was lost, 0 to 1; 0 if there were none.
    #[must_use]
    pub fn share(self) -> f64 {
        if self.of == 0 { 0.0 } else { f64::from(self.lost) / f64::from(self.of) }
    }

    /// The logarithm of how likely just these losses are at the rate that makes them likeliest.
    fn likelihood(self) -> f64 {
        let (lost, kept, of) =
            (f64::from(self.lost), f64::from(self.of - self.lost), f64::from(self.of));
        let term = |count: f64| if count == 0.0 { 0.0 } else { count * (count / of).ln() };
        term(lost) + term(kept)
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a starting point in time, which the judgement ignores"
)]
mod tests {
    use rand::seq::IndexedRandom;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha20Rng;

    use super::*;

    const GATEWAYS: [u8; 2] = [10, 11];
    const PROVIDERS: [u8; 2] = [40, 41];

    fn node(id: u8) -> NodeId {
        NodeId::from_bytes([id; 8])
    }

    fn mix(layer: u8, rng: &mut ChaCha20Rng) -> u8 {
        layer * 100 + u8::from(rng.random_bool(0.5))
    }

    /// The hops of a client's loop, of a gateway's, of a mix's in layer 2.
    fn client(rng: &mut ChaCha20Rng) -> Vec<u8> {
        let mut mixes = || [1, 2, 0].map(|layer| mix(layer, rng));
        let (there, back) = (mixes(), mixes());
        let provider = *PROVIDERS.choose(rng).unwrap();
        [&[10][..], &there, &[provider], &back, &[10]].concat()
    }

    fn of_gateway(gateway: u8, rng: &mut ChaCha20Rng) -> Vec<u8> {
        let mixes = [1, 2, 0].map(|layer| mix(layer, rng));
        [&[gateway][..], &mixes, &[gateway]].concat()
    }

    fn of_mix(rng: &mut ChaCha20Rng) -> Vec<u8> {
        let own = mix(2, rng);
        vec![own, mix(0, rng), *GATEWAYS.choose(rng).unwrap(), mix(1, rng), own]
    }

    type Way = fn(&mut ChaCha20Rng) -> Vec<u8>;

    /// Everybody who sends loops, one after another.
    fn anyone(rng: &mut ChaCha20Rng) -> Vec<u8> {
        let gateway = *GATEWAYS.choose(rng).unwrap();
        match rng.random_range(0..3) {
            0 => client(rng),
            1 => of_gateway(gateway, rng),
            _ => of_mix(rng),
        }
    }

    /// Takes a loop at one of its steps, from one node to the next, or not.
    type Taker = fn(u8, u8) -> bool;

    fn outcome(way: Way, background: f64, taker: Taker, rng: &mut ChaCha20Rng) -> LoopOutcome {
        let hops = way(rng);
        let swallowed = hops.windows(2).any(|step| taker(step[0], step[1]));
        LoopOutcome {
            returned: !swallowed && !rng.random_bool(background),
            hops: hops.into_iter().map(node).collect(),
            ended: Instant::now(),
        }
    }

    /// After how many loops since it began it is named; its name.
    fn until_named(seed: u64, before: usize, way: Way, taker: Taker) -> (usize, Culprit) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut outcomes: Vec<_> =
            (0..before).map(|_| outcome(way, 0.01, |_, _| false, &mut rng)).collect();
        assert_eq!(judge(&outcomes), None, "seed {seed}: nothing is wrong yet");
        for count in (4..1_000).step_by(4) {
            outcomes.extend((0..4).map(|_| outcome(way, 0.01, taker, &mut rng)));
            if let Some(verdict) = judge(&outcomes) {
                return (count, verdict.culprit);
            }
        }
        panic!("seed {seed}: nobody is named");
    }

    /// Of many runs: how many loops it took in 19 of 20, and how many named another.
    fn slowest(
        before: usize,
        way: Way,
        taker: Taker,
        right: impl Fn(Culprit) -> bool,
    ) -> (usize, usize) {
        let runs: Vec<_> = (0..40).map(|seed| until_named(seed, before, way, taker)).collect();
        let mut counts: Vec<_> = runs.iter().map(|(count, _)| *count).collect();
        counts.sort_unstable();
        (counts[37], runs.iter().filter(|(_, named)| !right(*named)).count())
    }

    #[test]
    fn a_mix_that_takes_everything_is_named_after_so_many_loops() {
        let taker: Taker = |_, to| to == 100;
        for (way, before, most) in
            [(client as Way, 0, 60), (client, 256, 100), (anyone, 0, 60), (anyone, 256, 100)]
        {
            let right = |culprit| culprit == Culprit::Node(node(100));
            let (count, wrong) = slowest(before, way, taker, right);
            assert!(count <= most, "{count} loops after {before}");
            assert!(wrong <= 2, "{wrong} of 40 runs named another");
        }
    }

    #[test]
    fn a_mix_that_takes_all_but_what_one_gateway_sends_is_named() {
        let taker: Taker = |from, to| to == 100 && from != 10;
        for (way, before, most) in
            [(client as Way, 0, 110), (client, 256, 160), (anyone, 0, 110), (anyone, 256, 160)]
        {
            // It, or a link of its own.
            let right = |culprit: Culprit| culprit.nodes().contains(&node(100));
            let (count, wrong) = slowest(before, way, taker, right);
            assert!(count <= most, "{count} loops after {before}");
            assert!(wrong <= 2, "{wrong} of 40 runs named another");
        }
    }

    #[test]
    fn a_link_is_named_when_its_ends_are_good() {
        let taker: Taker = |from, to| from == 100 && to == 201;
        let right = |culprit| culprit == Culprit::Link(node(100), node(201));
        let (count, wrong) = slowest(0, anyone, taker, right);
        assert!(count <= 160, "{count} loops");
        assert!(wrong <= 6, "{wrong} of 40 runs named a node at its end");
    }

    #[test]
    fn losses_that_fall_anywhere_name_nobody() {
        for background in [0.0, 0.02, 0.2, 0.5] {
            for seed in 0..20 {
                let mut rng = ChaCha20Rng::seed_from_u64(seed);
                let mut outcomes = Vec::new();
                for _ in 0..300 {
                    outcomes.push(outcome(anyone, background, |_, _| false, &mut rng));
                }
                let verdict = judge(&outcomes);
                assert_eq!(verdict, None, "seed {seed} at {background}");
            }
        }
    }

    #[test]
    fn what_every_loop_passes_is_named_by_none() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let all: Vec<_> =
            (0..100).map(|_| outcome(client, 0.0, |_, to| to == 10, &mut rng)).collect();
        assert!(all.iter().all(|outcome| !outcome.returned));
        assert_eq!(judge(&all), None);
        assert_eq!(judge(&[]), None);
    }
}
