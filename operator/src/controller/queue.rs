//! Which resources are to be reconciled, and when: each at most once at a time.

#![deny(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::cache::Place;

/// How long a change waits for others that come with it.
const TOGETHER: Duration = Duration::from_millis(100);

/// The first and the longest wait after a failure.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// A resource that is reconciled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    Mixnet(Place),
    Broadcast(Place),
}

impl Target {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Mixnet(_) => "Mixnet",
            Self::Broadcast(_) => "Broadcast",
        }
    }

    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::Mixnet(place) | Self::Broadcast(place) => place,
        }
    }
}

/// When a resource is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// When something changes.
    WhenChanged,
    /// After this time at the latest.
    In(Duration),
    /// It failed: soon, and then more and more rarely.
    Failed,
}

/// What waits and what is under way. In: [`push`](Self::push), [`done`](Self::done); out:
/// [`pop`](Self::pop), as often as it gives something, then [`next`](Self::next).
#[derive(Debug, Default)]
pub(crate) struct Queue {
    due: BTreeMap<Target, Instant>,
    under_way: BTreeSet<Target>,
    failures: BTreeMap<Target, u32>,
}

impl Queue {
    /// Something has changed: look at it in a moment.
    pub(crate) fn push(&mut self, target: Target, now: Instant) {
        self.push_at(target, now + TOGETHER);
    }

    fn push_at(&mut self, target: Target, at: Instant) {
        let due = self.due.entry(target).or_insert(at);
        *due = at.min(*due);
    }

    /// The next that is due and not under way. It is under way until [`done`](Self::done).
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Target> {
        let ready =
            |(target, due): &(&Target, &Instant)| **due <= now && !self.under_way.contains(*target);
        let (target, _) = self.due.iter().filter(ready).min_by_key(|(_, due)| **due)?;
        let target = target.clone();
        self.due.remove(&target);
        self.under_way.insert(target.clone());
        Some(target)
    }

    /// A reconcile has ended.
    pub(crate) fn done(&mut self, target: &Target, again: Again, now: Instant) {
        self.under_way.remove(target);
        match again {
            Again::WhenChanged => {
                self.failures.remove(target);
            }
            Again::In(wait) => {
                self.failures.remove(target);
                self.push_at(target.clone(), now + wait);
            }
            Again::Failed => {
                let failures = self.failures.entry(target.clone()).or_default();
                let wait = FIRST_RETRY.saturating_mul(1 << (*failures).min(10));
                *failures = failures.saturating_add(1);
                self.push_at(target.clone(), now + wait.min(LAST_RETRY));
            }
        }
    }

    /// When [`pop`](Self::pop) has to be asked next; nothing: not before something comes in.
    pub(crate) fn next(&self) -> Option<Instant> {
        let idle = self.due.iter().filter(|(target, _)| !self.under_way.contains(*target));
        idle.map(|(_, due)| *due).min()
    }

    /// How many of a kind wait.
    pub(crate) fn waiting(&self, kind: &str) -> usize {
        self.due.keys().filter(|target| target.kind() == kind).count()
    }

    /// Another replica works: nothing is under way here any more, and nothing waits.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        Target::Mixnet(Place { namespace: "n".to_owned(), name: name.to_owned() })
    }

    /// A fixed time, from which tests count.
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn changes_that_come_together_are_one_reconcile() {
        let (mut queue, now) = (Queue::default(), start());
        queue.push(target("a"), now);
        queue.push(target("a"), now + TOGETHER / 2);
        assert_eq!(queue.pop(now), None, "it waits for others");
        assert_eq!(queue.next(), Some(now + TOGETHER));
        assert_eq!(queue.pop(now + TOGETHER), Some(target("a")));
        assert_eq!(queue.pop(now + TOGETHER), None);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn what_changes_while_it_is_under_way_comes_again_after_it() {
        let (mut queue, now) = (Queue::default(), start());
        queue.push(target("a"), now);
        let later = now + TOGETHER;
        assert_eq!(queue.pop(later), Some(target("a")));
        queue.push(target("a"), later);
        assert_eq!(queue.pop(later + TOGETHER), None, "one at a time");
        assert_eq!(queue.next(), None);
        queue.done(&target("a"), Again::WhenChanged, later + TOGETHER);
        assert_eq!(queue.pop(later + TOGETHER), Some(target("a")));
    }

    #[test]
    fn failures_are_tried_again_ever_more_rarely_and_a_success_ends_that() {
        let (mut queue, mut now) = (Queue::default(), start());
        let mut waits = Vec::new();
        queue.push_at(target("a"), now);
        for _ in 0..9 {
            assert_eq!(queue.pop(now), Some(target("a")));
            queue.done(&target("a"), Again::Failed, now);
            let next = queue.next().expect("again");
            waits.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(queue.pop(now), Some(target("a")));
        queue.done(&target("a"), Again::In(Duration::from_secs(5)), now);
        assert_eq!(queue.next(), Some(now + Duration::from_secs(5)));
        now += Duration::from_secs(5);
        assert_eq!(queue.pop(now), Some(target("a")));
        queue.done(&target("a"), Again::Failed, now);
        assert_eq!(queue.next(), Some(now + FIRST_RETRY));
    }

    #[test]
    fn the_longest_waiting_comes_first() {
        let (mut queue, now) = (Queue::default(), start());
        queue.push(target("b"), now);
        queue.push(target("a"), now + Duration::from_millis(1));
        assert_eq!(queue.waiting("Mixnet"), 2);
        let later = now + Duration::from_secs(1);
        assert_eq!(queue.pop(later), Some(target("b")));
        assert_eq!(queue.pop(later), Some(target("a")));
    }
}
