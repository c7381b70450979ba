//! Which nodes are likely to lose packets, told by which packets come back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mixbed_wire::NodeId;
use rand::{Rng, RngExt};

/// For each node a belief, from 0 to 1, that it loses packets.
///
/// # How it learns
///
/// Each round trip ends as lost or as returned, and both say something of every hop, there and
/// back. This is Bayes' rule for one node at a time, the others taken at their present beliefs:
///
/// - **Lost.** If node *i* is bad, that was to be expected. If it is good, then another hop is to
///   blame, or chance: 1 - (1 - ℓ) Π (1 - *p*ⱼ) over the others. So the belief in *i* grows the
///   more, the less the others explain: a loss on a route with a known bad node harms nobody else.
/// - **Returned.** A bad node lets a packet pass one time in ten (one that loses a part is bad
///   too), a good one always. One return does not clear a node that has lost ten; two nearly do.
/// - **ℓ** is what is lost by chance, anywhere: the measured share of losses on routes whose nodes
///   seem good. With 20 % loss on all links, nine in ten round trips are lost and nobody is to
///   blame: ℓ grows to that within some dozens, and then they incriminate no one. What was learnt
///   before is worth less, too: weights are (prior / belief) to the power of 2 (1 - ℓ).
///
/// Beliefs fade towards the one before anything was seen, by half (of the log-odds) in
/// [`HALF_LIFE`](Self::HALF_LIFE), and none ever makes a weight of 0: a node that was dead is tried
/// again, about once in 50 choices at first, and as often as any after two minutes. When all of a
/// layer are suspected alike, their weights are alike: the choice is even.
///
/// # What it costs
///
/// Routes that are not drawn evenly tell something. Whoever runs some of a layer's mixes, and can
/// make the others lose *this client's* packets (as its gateway can, or who cuts links), draws its
/// packets towards their own: here to 98 % of them in a layer of two, where chance gives one half.
/// Route-capture attacks on Tor work so. And a client that avoids a node which others use differs
/// from them at that layer, for as long as the belief lasts. Against that: bounded weights, fading,
/// no memory beyond the process, and the same weights for cover as for payload, so that the two do
/// not differ. A network that must not be steered by losses switches this off
/// ([`Weights::default`] is even) and pays with retransmissions.
#[derive(Clone, Debug)]
pub struct Suspicion {
    nodes: HashMap<NodeId, Belief>,
    lost: f64,
    ended: f64,
    seen: u64,
}

#[derive(Clone, Copy, Debug)]
struct Belief {
    /// The log-odds that the node is bad, beyond [`PRIOR`]'s.
    evidence: f64,
    at: Instant,
}

/// The belief in a node of which nothing is known.
const PRIOR: f64 = 0.05;

/// How often a bad node lets a packet pass.
const BAD_PASSES: f64 = 0.1;

/// The bounds of a belief: what was certain for an hour is to be forgotten in minutes.
const LEAST: f64 = 0.01;
const MOST: f64 = 0.99;

/// Losses by chance that are taken for granted, and how many routes that is worth.
const CHANCE: f64 = 0.05;
const CHANCE_WORTH: f64 = 4.0;

/// The routes that ℓ is measured over: each new one lets the old count so much less.
const FORGET: f64 = 1.0 - 1.0 / 32.0;

/// A document has at most 1,000 nodes, and they change.
const NODES: usize = 2048;

impl Default for Suspicion {
    fn default() -> Self {
        let lost = CHANCE * CHANCE_WORTH;
        Self { nodes: HashMap::new(), lost, ended: CHANCE_WORTH, seen: 0 }
    }
}

impl Suspicion {
    /// How long it takes to forget half of the evidence.
    pub const HALF_LIFE: Duration = Duration::from_secs(30);

    /// The least weight: so seldom is the worst node still chosen for each time that a good one is.
    pub const LEAST_WEIGHT: f64 = 0.02;

    /// A packet by way of these nodes, there and back, was not answered in time. A node may be
    /// named twice.
    pub fn handle_lost(&mut self, hops: &[NodeId], now: Instant) {
        let hops = unique(hops);
        let beliefs: Vec<f64> = hops.iter().map(|node| self.belief(*node, now)).collect();
        let all_good: f64 = beliefs.iter().map(|belief| 1.0 - belief).product();
        self.count(all_good, 1.0);
        let chance = self.lost / self.ended;
        for (node, belief) in hops.iter().zip(&beliefs) {
            let others_good = all_good / (1.0 - belief);
            let otherwise = 1.0 - (1.0 - chance) * others_good;
            self.learn(*node, -otherwise.ln(), now);
        }
    }

    /// A packet by way of these nodes was answered, in time or later.
    pub fn handle_returned(&mut self, hops: &[NodeId], now: Instant) {
        let hops = unique(hops);
        let all_good = hops.iter().map(|node| 1.0 - self.belief(*node, now)).product();
        self.count(all_good, 0.0);
        for node in hops {
            self.learn(node, BAD_PASSES.ln(), now);
        }
    }

    /// The belief that a node loses packets.
    #[must_use]
    pub fn belief(&self, node: NodeId, now: Instant) -> f64 {
        let evidence = self.nodes.get(&node).map_or(0.0, |belief| belief.evidence_at(now));
        probability(odds(PRIOR) + evidence)
    }

    /// How readily a node is to be chosen, from [`LEAST_WEIGHT`](Self::LEAST_WEIGHT) to 1. Nodes
    /// that are known to be good are not preferred to unknown ones.
    #[must_use]
    pub fn weight(&self, node: NodeId, now: Instant) -> f64 {
        // Where most is lost by chance, what the losses seem to tell is worth little.
        weight(self.belief(node, now), 2.0 * (1.0 - self.chance()))
    }

    /// The weights of now, to choose by.
    #[must_use]
    pub fn weights(&self, now: Instant) -> Weights {
        let suspected = self.nodes.keys().map(|node| (*node, self.weight(*node, now)));
        Weights(suspected.filter(|(_, weight)| *weight < 0.99).collect())
    }

    /// The share of round trips that are lost by chance, whatever their route.
    #[must_use]
    pub fn chance(&self) -> f64 {
        self.lost / self.ended
    }

    /// Grows with whatever was learnt: if it has not, the weights have only faded.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Counts a route for ℓ, as far as its nodes seem good; a little in any case, so that a
    /// network in which all are suspected is seen to be one that loses by chance.
    fn count(&mut self, all_good: f64, lost: f64) {
        let worth = all_good.max(0.1);
        self.seen += 1;
        self.lost = self.lost * FORGET + worth * lost;
        self.ended = self.ended * FORGET + worth;
    }

    fn learn(&mut self, node: NodeId, by: f64, now: Instant) {
        if self.nodes.len() >= NODES && !self.nodes.contains_key(&node) {
            self.nodes.retain(|_, belief| belief.evidence_at(now).abs() > 0.5);
            if self.nodes.len() >= NODES {
                return;
            }
        }
        let belief = self.nodes.entry(node).or_insert(Belief { evidence: 0.0, at: now });
        let prior = odds(PRIOR);
        let evidence = belief.evidence_at(now) + by;
        *belief =
            Belief { evidence: evidence.clamp(odds(LEAST) - prior, odds(MOST) - prior), at: now };
    }
}

impl Belief {
    fn evidence_at(self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.at).as_secs_f64();
        self.evidence * (-age / Suspicion::HALF_LIFE.as_secs_f64()).exp2()
    }
}

/// The weights of the nodes that are suspected; all others have 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(HashMap<NodeId, f64>);

impl Weights {
    /// How readily a node is to be chosen, above 0 to 1.
    #[must_use]
    pub fn of(&self, node: NodeId) -> f64 {
        self.0.get(&node).copied().unwrap_or(1.0)
    }

    /// Chooses one of these nodes by weight; says which by its place.
    pub fn choose<R: Rng + ?Sized>(
        &self,
        nodes: impl IntoIterator<Item = NodeId>,
        rng: &mut R,
    ) -> Option<usize> {
        let weights: Vec<f64> = nodes.into_iter().map(|node| self.of(node)).collect();
        let last = weights.len().checked_sub(1)?;
        let mut left = rng.random_range(0.0..weights.iter().sum());
        let passed = |weight: &f64| {
            left -= weight;
            left < 0.0
        };
        Some(weights.iter().position(passed).unwrap_or(last))
    }
}

/// A node at the prior has 1; without losses by chance, one at a belief of 0.5 has the least.
fn weight(belief: f64, power: f64) -> f64 {
    (PRIOR / belief).powf(power).clamp(Suspicion::LEAST_WEIGHT, 1.0)
}

fn odds(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

fn probability(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

fn unique(hops: &[NodeId]) -> Vec<NodeId> {
    let mut unique = Vec::with_capacity(hops.len());
    for hop in hops {
        if !unique.contains(hop) {
            unique.push(*hop);
        }
    }
    unique
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to begin at")]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    fn node(id: u8) -> NodeId {
        NodeId::from_bytes([id; 8])
    }

    fn nodes<const N: usize>(ids: [u8; N]) -> Vec<NodeId> {
        ids.map(node).to_vec()
    }

    /// What goes by way of this node is lost, and nothing else is.
    fn dies(suspicion: &mut Suspicion, id: u8, now: Instant) {
        for _ in 0..20 {
            suspicion.handle_returned(&nodes([100]), now);
            suspicion.handle_lost(&nodes([id]), now);
        }
    }

    #[test]
    fn the_one_that_the_lost_have_in_common_and_the_returned_have_not_is_found() {
        let (mut suspicion, now) = (Suspicion::default(), Instant::now());
        suspicion.handle_lost(&nodes([0, 1, 2, 3, 9]), now);
        let first = suspicion.weight(node(3), now);
        assert!(first < 1.0 && suspicion.weight(node(2), now).total_cmp(&first).is_eq());
        suspicion.handle_returned(&nodes([0, 1, 2, 4, 9]), now);
        suspicion.handle_lost(&nodes([0, 5, 6, 3, 9]), now);
        let weights = suspicion.weights(now);
        assert!(weights.of(node(3)) < 0.1, "{weights:?}");
        for good in [0, 1, 2, 4, 9, 200] {
            assert!(weights.of(node(good)) > 0.99, "{good}: {weights:?}");
        }
        assert!(weights.of(node(5)) > 3.0 * weights.of(node(3)), "{weights:?}");
    }

    #[test]
    fn a_known_bad_node_takes_the_blame_from_others() {
        let (mut suspicion, now) = (Suspicion::default(), Instant::now());
        dies(&mut suspicion, 7, now);
        assert!(suspicion.belief(node(7), now) > 0.9);
        let before = suspicion.belief(node(1), now);
        suspicion.handle_lost(&nodes([1, 7]), now);
        assert!(suspicion.belief(node(1), now) < before * 1.2);
    }

    #[test]
    fn beliefs_fade_and_weights_are_never_zero() {
        let (mut suspicion, now) = (Suspicion::default(), Instant::now());
        dies(&mut suspicion, 1, now);
        assert!(suspicion.weight(node(1), now) < 1.01 * Suspicion::LEAST_WEIGHT);
        let later = now + 4 * Suspicion::HALF_LIFE;
        let weight = suspicion.weight(node(1), later);
        assert!(weight > 0.3, "{weight} after two minutes");
        assert!(suspicion.weights(now + 100 * Suspicion::HALF_LIFE).of(node(1)) > 0.99);
        // A clock that went back, and beliefs of the future, harm nothing.
        suspicion.handle_lost(&nodes([1]), now);
        assert!(suspicion.belief(node(1), now).is_finite());
    }

    #[test]
    fn the_suspected_are_chosen_seldom_and_evenly_if_all_are() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (mut suspicion, now) = (Suspicion::default(), Instant::now());
        dies(&mut suspicion, 1, now);
        let mut count = |suspicion: &Suspicion| {
            let weights = suspicion.weights(now);
            (0..10_000).filter(|_| weights.choose(nodes([1, 2]), &mut rng) == Some(0)).count()
        };
        assert!((100..300).contains(&count(&suspicion)), "2 in 102");
        dies(&mut suspicion, 2, now);
        assert!((4700..5300).contains(&count(&suspicion)), "one as bad as the other");
        assert_eq!(Weights::default().choose(nodes([]), &mut rng), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut suspicion, now) = (Suspicion::default(), Instant::now());
        for number in 0..10_000_u64 {
            suspicion.handle_lost(&[NodeId::from_bytes(number.to_be_bytes())], now);
        }
        assert!(suspicion.nodes.len() <= NODES);
    }
}
