//! Who may hold how much of what all share.
#![deny(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

/// Places that several sources share, such as links a queue.
///
/// A source may take a place while it has fewer than a `part` of those that are free (dynamic
/// thresholds: Choudhury and Hahne, 1998). With part 2 a source that is alone gets two thirds of
/// all, two get two fifths each, and whoever has none gets one as long as any is free: which there
/// is, since those who take all they can get leave a share of the same size. So a flood fills its
/// own share and pushes nobody out, and nothing has to know how many sources there are.
#[derive(Debug)]
pub(crate) struct Share {
    bound: usize,
    part: Part,
    taken: Arc<AtomicUsize>,
}

/// A fraction: how many times as much as is free one source may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) times: usize,
    pub(crate) over: usize,
}

/// What one source has of a [`Share`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Source(Arc<AtomicUsize>);

/// One place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    taken: Arc<AtomicUsize>,
    source: Source,
}

impl Part {
    /// Whether a source that has `own` places may take another one.
    fn allows(self, own: usize, free: usize) -> bool {
        own.saturating_mul(self.over) < free.saturating_mul(self.times)
    }
}

impl Share {
    pub(crate) fn new(bound: usize, part: Part) -> Self {
        Self { bound, part, taken: Arc::default() }
    }

    /// A place, unless the source has its share already or none is free.
    pub(crate) fn take(&self, source: &Source) -> Option<Place> {
        // Taken first, then looked at: of two who take the last one at a time, none may get it, but
        // never both. Two of one source are ordered by its count: the second sees that the first
        // has taken from all.
        self.taken.fetch_add(1, Relaxed);
        let own = source.0.fetch_add(1, AcqRel);
        let place = Place { taken: Arc::clone(&self.taken), source: source.clone() };
        let free = (self.bound + 1).saturating_sub(self.taken.load(Relaxed));
        self.part.allows(own, free).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Relaxed);
        self.source.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use proptest::prelude::*;

    use super::*;

    const TWICE: Part = Part { times: 2, over: 1 };

    fn fill(share: &Share, source: &Source) -> Vec<Place> {
        std::iter::from_fn(|| share.take(source)).collect()
    }

    #[test]
    fn one_alone_gets_most_and_leaves_some() {
        let share = Share::new(63, TWICE);
        let (flooder, newcomer) = (Source::default(), Source::default());
        let held = fill(&share, &flooder);
        assert_eq!(held.len(), 42);
        assert_eq!(fill(&share, &newcomer).len(), 14, "two thirds of what is left");
        drop(held);
        assert_eq!(fill(&share, &newcomer).len(), 42, "places come back");
    }

    #[test]
    fn the_last_place_is_for_whoever_has_none() {
        let share = Share::new(1, TWICE);
        let (one, other) = (Source::default(), Source::default());
        let held = share.take(&one);
        assert!(held.is_some());
        assert!(share.take(&other).is_none() && share.take(&one).is_none());
        drop(held);
        assert!(share.take(&other).is_some());
    }

    #[test]
    fn threads_together_get_no_more_than_one_does() {
        const THREADS: usize = 4;
        for _ in 0..2000 {
            let (share, source) = (Share::new(63, TWICE), Source::default());
            let start = Barrier::new(THREADS);
            let take = || {
                start.wait();
                fill(&share, &source)
            };
            let held: Vec<Place> = std::thread::scope(|scope| {
                let threads = [(); THREADS].map(|()| scope.spawn(take));
                threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
            });
            assert!(held.len() <= 42, "{}", held.len());
        }
    }

    proptest! {
        /// Whatever some take and give back, the bound holds, and a newcomer finds a place as long
        /// as there are more places than `over` for each source.
        #[test]
        fn floods_leave_room_for_a_newcomer(
            bound in 64..2000_usize,
            over in 1..8_usize,
            takes in prop::collection::vec((0..8_usize, any::<bool>()), 0..4000),
        ) {
            let share = Share::new(bound, Part { times: 1, over });
            let sources: Vec<Source> = (0..8).map(|_| Source::default()).collect();
            let mut held: Vec<Vec<Place>> = (0..8).map(|_| Vec::new()).collect();
            for (source, take) in takes {
                if take || held[source].is_empty() {
                    held[source].extend(share.take(&sources[source]));
                } else {
                    held[source].pop();
                }
                prop_assert!(held.iter().map(Vec::len).sum::<usize>() <= bound);
            }
            for (source, held) in sources.iter().zip(&mut held) {
                held.extend(fill(&share, source));
            }
            prop_assert!(share.take(&Source::default()).is_some());
            drop(held);
            prop_assert_eq!(share.taken.load(Relaxed), 0);
        }
    }
}
