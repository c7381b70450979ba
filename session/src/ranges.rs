//! Sets of offsets, as ranges.

use std::collections::BTreeMap;

/// A set of offsets: ranges that neither overlap nor touch.
#[derive(Debug, Default)]
pub(crate) struct Ranges {
    /// Start to end (exclusive).
    ranges: BTreeMap<u64, u64>,
    total: u64,
}

impl Ranges {
    /// Puts `start..end` in.
    pub(crate) fn insert(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let (mut start, mut end) = (start, end);
        while let Some((&from, &to)) = self.ranges.range(..=end).next_back() {
            if to < start {
                break;
            }
            start = start.min(from);
            end = end.max(to);
            self.ranges.remove(&from);
            self.total -= to - from;
        }
        self.ranges.insert(start, end);
        self.total += end - start;
    }

    /// Takes `start..end` out.
    pub(crate) fn remove(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        while let Some((&from, &to)) = self.ranges.range(..end).next_back() {
            if to <= start {
                break;
            }
            self.ranges.remove(&from);
            self.total -= to - from;
            for (from, to) in [(from, start.min(to)), (end.max(from), to)] {
                if from < to {
                    self.ranges.insert(from, to);
                    self.total += to - from;
                }
            }
        }
    }

    /// What of `start..end` is not in.
    pub(crate) fn missing(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        let mut at = start;
        let before = self.ranges.range(..start).next_back();
        for (&from, &to) in before.into_iter().chain(self.ranges.range(start..end.max(start))) {
            if from > at {
                missing.push((at, from.min(end)));
            }
            at = at.max(to);
        }
        if at < end {
            missing.push((at, end));
        }
        missing
    }

    /// The lowest range.
    pub(crate) fn first(&self) -> Option<(u64, u64)> {
        self.ranges.first_key_value().map(|(from, to)| (*from, *to))
    }

    /// How many ranges there are.
    pub(crate) fn count(&self) -> usize {
        self.ranges.len()
    }

    /// How many offsets are in.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(changes in prop::collection::vec((any::<bool>(), 0u64..60, 0u64..20), 0..60)) {
            let mut ranges = Ranges::default();
            let mut model = [false; 100];
            for (put, start, length) in changes {
                let end = start + length;
                if put { ranges.insert(start, end) } else { ranges.remove(start, end) }
                model[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()].fill(put);
            }
            prop_assert_eq!(ranges.total(), model.iter().filter(|in_it| **in_it).count() as u64);
            let first = model.iter().position(|in_it| *in_it);
            prop_assert_eq!(ranges.first().map(|(from, _)| from), first.map(|at| at as u64));
            for (start, end) in [(0, 100), (10, 50), (33, 34), (5, 5)] {
                let mut absent = Vec::new();
                for (from, to) in ranges.missing(start, end) {
                    prop_assert!(from < to);
                    absent.extend(from..to);
                }
                let expected: Vec<_> = (start..end).filter(|at| !model[usize::try_from(*at).unwrap()]).collect();
                prop_assert_eq!(absent, expected);
            }
            let edges = model.windows(2).filter(|pair| !pair[0] && pair[1]).count() + usize::from(model[0]);
            prop_assert_eq!(ranges.count(), edges);
        }
    }
}
