//! Which gateway to use.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mixbed_wire::NodeId;
use rand::Rng;

use super::Weights;

/// How long a gateway that failed is avoided while there are others.
const AVOIDED: Duration = Duration::from_secs(60);

/// The gateways that have failed, and when.
#[derive(Debug, Default)]
pub struct FailedGateways(HashMap<NodeId, Instant>);

impl FailedGateways {
    /// One failed now.
    pub fn insert(&mut self, gateway: NodeId, now: Instant) {
        self.0.retain(|_, at| now.saturating_duration_since(*at) < AVOIDED);
        self.0.insert(gateway, now);
    }

    /// One that has not failed, by weight; if all have, the one that did so longest ago.
    pub fn pick<R: Rng + ?Sized>(
        &self,
        gateways: &[NodeId],
        weights: &Weights,
        now: Instant,
        rng: &mut R,
    ) -> Option<NodeId> {
        let at = |gateway: &NodeId| {
            self.0.get(gateway).filter(|at| now.saturating_duration_since(**at) < AVOIDED)
        };
        let good: Vec<_> = gateways.iter().copied().filter(|id| at(id).is_none()).collect();
        let chosen = weights.choose(good.iter().copied(), rng).and_then(|chosen| good.get(chosen));
        chosen.or_else(|| gateways.iter().min_by_key(|gateway| at(gateway))).copied()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to begin at")]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    #[test]
    fn one_that_failed_is_the_last_choice_for_a_while() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let all = [1, 2, 3].map(|id| NodeId::from_bytes([id; 8]));
        let [one, two, three] = all;
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut failed = FailedGateways::default();
        let even = &Weights::default();
        failed.insert(two, at(0));
        failed.insert(one, at(1));
        for _ in 0..20 {
            assert_eq!(failed.pick(&all, even, at(2), &mut rng), Some(three));
        }
        failed.insert(three, at(3));
        assert_eq!(failed.pick(&all, even, at(4), &mut rng), Some(two), "it failed first");
        assert_eq!(failed.pick(&[one], even, at(4), &mut rng), Some(one), "there is no other");
        assert_eq!(
            failed.pick(&all, even, at(60), &mut rng),
            Some(two),
            "its time is over, theirs not"
        );
        assert_eq!(failed.pick(&[], even, at(4), &mut rng), None);
    }
}
