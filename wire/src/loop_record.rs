//! The last loops, counted as they end, so that a verdict after each costs little.
#![deny(clippy::disallowed_methods)]

use std::collections::VecDeque;

use crate::suspects::{LOOPS_JUDGED, STRETCHES, Suspects};
use crate::verdict::{LoopOutcome, Verdict, most_evident};

/// The last [`LOOPS_JUDGED`] loops that ended, for whoever wants a verdict after each.
///
/// [`judge`](crate::judge) counts all of them every time; this only the one that has just ended,
/// and those that have become too old for a stretch. The verdicts are the same.
#[derive(Clone, Debug, Default)]
pub struct LoopRecord {
    outcomes: VecDeque<LoopOutcome>,
    suspects: Suspects,
}

impl LoopRecord {
    /// One more has ended.
    pub fn push(&mut self, outcome: LoopOutcome) {
        self.suspects.add(&outcome, 0);
        for (number, stretch) in STRETCHES.into_iter().enumerate() {
            let too_old = self.outcomes.len().checked_sub(stretch);
            if let Some(old) = too_old.and_then(|index| self.outcomes.get(index)) {
                self.suspects.remove(old, number);
            }
        }
        if self.outcomes.len() >= LOOPS_JUDGED {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(outcome);
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// They, the latest last.
    #[must_use]
    pub fn outcomes(&self) -> &VecDeque<LoopOutcome> {
        &self.outcomes
    }

    /// What [`judge`](crate::judge) says of them.
    #[must_use]
    pub fn judge(&self) -> Option<Verdict> {
        most_evident(&self.suspects)
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a starting point in time, which the judgement ignores"
)]
mod tests {
    use std::time::Instant;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::{NodeId, judge};

    /// One of six nodes takes what it gets from the 300th to the 450th loop, and some are lost
    /// anywhere; then no more are.
    fn outcome(number: usize, rng: &mut ChaCha20Rng) -> LoopOutcome {
        let hops: Vec<u8> = (0..4).map(|_| rng.random_range(0..6)).collect();
        let taken = (300..450).contains(&number) && hops.contains(&3);
        let returned = number >= 450 || !(taken || rng.random_bool(0.1));
        let hops = hops.into_iter().map(|id| NodeId::from_bytes([id; 8])).collect();
        LoopOutcome { hops, returned, ended: Instant::now() }
    }

    #[test]
    fn its_verdicts_are_those_of_a_count_of_all() {
        for seed in 0..5 {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let (mut record, mut all, mut named) = (LoopRecord::default(), Vec::new(), 0);
            for number in 0..750 {
                let outcome = outcome(number, &mut rng);
                all.push(outcome.clone());
                record.push(outcome);
                let verdict = judge(&all);
                assert_eq!(record.judge(), verdict, "seed {seed}, loop {number}");
                named += usize::from(verdict.is_some());
            }
            assert!((50..700).contains(&named), "seed {seed}: {named} name somebody");
            assert!(all.ends_with(record.outcomes().clone().make_contiguous()), "seed {seed}");
            assert_eq!(record.outcomes().len(), LOOPS_JUDGED);
            record.clear();
            assert_eq!((record.judge(), record.outcomes().len()), (None, 0));
        }
    }

    /// Whoever is met no more costs nothing more.
    #[test]
    fn what_is_counted_is_bounded() {
        let mut record = LoopRecord::default();
        for number in 0..2_000_u64 {
            let hops = [2 * number, 2 * number + 1].map(|id| NodeId::from_bytes(id.to_be_bytes()));
            let (hops, ended) = (hops.to_vec(), Instant::now());
            record.push(LoopOutcome { hops, returned: false, ended });
        }
        assert_eq!(record.suspects.met(STRETCHES.len() - 1).count(), 3 * LOOPS_JUDGED);
        assert_eq!(record.suspects.len(), 3 * LOOPS_JUDGED);
    }
}
