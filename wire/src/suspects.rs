//! How many loops each suspect met, and how many of them were lost.
#![deny(clippy::disallowed_methods)]

use std::collections::HashMap;

use crate::verdict::{Culprit, LoopOutcome, Lost};

/// How many of the last outcomes a judgement looks at, at most.
pub const LOOPS_JUDGED: usize = 256;

/// The stretches that are looked at: the last so many loops. A short one sees soon what has just
/// begun; a long one sees less.
pub(crate) const STRETCHES: [usize; 4] = [32, 64, 128, LOOPS_JUDGED];

/// A count for each of the [`STRETCHES`].
type ByStretch = [Lost; STRETCHES.len()];

/// The counts, by suspect. At most [`LOOPS_JUDGED`] loops are in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suspects {
    all: ByStretch,
    met: HashMap<Culprit, ByStretch>,
}

impl Suspects {
    /// Counts a loop after which `later` others ended, in all stretches that reach back to it.
    pub(crate) fn add(&mut self, outcome: &LoopOutcome, later: usize) {
        let first = STRETCHES.iter().filter(|stretch| **stretch <= later).count();
        let count = |counts: &mut ByStretch| {
            counts[first..].iter_mut().for_each(|lost| lost.count(outcome.returned));
        };
        count(&mut self.all);
        for suspect in suspects(outcome) {
            count(self.met.entry(suspect).or_default());
        }
    }

    /// Takes a loop that was counted out of the stretch with this number.
    pub(crate) fn remove(&mut self, outcome: &LoopOutcome, stretch: usize) {
        self.all[stretch].uncount(outcome.returned);
        for suspect in suspects(outcome) {
            if let Some(counts) = self.met.get_mut(&suspect) {
                counts[stretch].uncount(outcome.returned);
                // The longest stretch is left last.
                if counts[STRETCHES.len() - 1].of == 0 {
                    self.met.remove(&suspect);
                }
            }
        }
    }

    /// How all did in the stretch with this number; nothing if one before has all of them already.
    pub(crate) fn all(&self, stretch: usize) -> Option<Lost> {
        let more =
            stretch.checked_sub(1).is_none_or(|before| self.all[before].of < self.all[stretch].of);
        more.then_some(self.all[stretch])
    }

    /// How many are counted.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.met.len()
    }

    /// How those did that met each suspect, in the stretch with this number.
    pub(crate) fn met(&self, stretch: usize) -> impl Iterator<Item = (Culprit, Lost)> {
        let counts = self.met.iter().map(move |(suspect, counts)| (*suspect, counts[stretch]));
        counts.filter(|(_, through)| through.of > 0)
    }
}

/// What may have taken it: the nodes and links on its way, each once.
fn suspects(outcome: &LoopOutcome) -> Vec<Culprit> {
    let nodes = outcome.hops.iter().map(|node| Culprit::Node(*node));
    let links = outcome.hops.windows(2).map(|pair| Culprit::Link(pair[0], pair[1]));
    let mut met: Vec<_> = nodes.chain(links).collect();
    met.sort_unstable();
    met.dedup();
    met
}
