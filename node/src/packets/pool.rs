//! The mixing pool: packets wait for their time, whatever order they came in.
#![deny(clippy::disallowed_methods)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Holds items until each one's release time, up to a bound.
///
/// Poll it after each input: [`pop_due`](Self::pop_due) until `None`, then wait until
/// [`next_release`](Self::next_release).
#[derive(Debug)]
pub(crate) struct MixPool<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    bound: usize,
    pushed: u64,
}

#[derive(Debug)]
struct Entry<T> {
    release: Instant,
    /// Breaks ties in order of arrival, so that a run can be repeated.
    number: u64,
    item: T,
}

impl<T> MixPool<T> {
    /// A pool for at most `bound` items.
    pub(crate) fn new(bound: usize) -> Self {
        Self { heap: BinaryHeap::new(), bound, pushed: 0 }
    }

    /// Takes an item in until `release`; gives it back if the pool is full.
    pub(crate) fn push(&mut self, release: Instant, item: T) -> Result<(), T> {
        if self.heap.len() >= self.bound {
            return Err(item);
        }
        self.pushed += 1;
        self.heap.push(Reverse(Entry { release, number: self.pushed, item }));
        Ok(())
    }

    /// The next item whose time has come.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next_release()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.item)
    }

    /// How many items it holds.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// When the next item is due.
    pub(crate) fn next_release(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.release)
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.release, self.number).cmp(&(other.release, other.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a starting point in time, from which the test counts"
)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn everything_leaves_at_its_time_and_not_before(
            delays in prop::collection::vec(0_u64..1000, 0..200)
        ) {
            let start = Instant::now();
            let at = |millis| start + Duration::from_millis(millis);
            let mut pool = MixPool::new(delays.len());
            for &delay in &delays {
                prop_assert!(pool.push(at(delay), delay).is_ok());
            }
            let mut left = Vec::new();
            for now in 0..1000 {
                while let Some(delay) = pool.pop_due(at(now)) {
                    prop_assert_eq!(delay, now, "its millisecond");
                    left.push(delay);
                }
            }
            let mut sorted = delays;
            sorted.sort_unstable();
            prop_assert_eq!(left, sorted);
        }
    }

    #[test]
    fn a_full_pool_gives_the_item_back() {
        let now = Instant::now();
        let mut pool = MixPool::new(1);
        assert_eq!(pool.push(now, 'a'), Ok(()));
        assert_eq!(pool.push(now, 'b'), Err('b'));
        assert_eq!(pool.pop_due(now), Some('a'));
        assert_eq!(pool.push(now, 'b'), Ok(()));
    }
}
