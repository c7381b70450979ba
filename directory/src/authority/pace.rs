//! How often documents come, and how often one identity changes them.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::identity::IdentityPublic;
use crate::messages::Rejection;

/// Documents besides those that begin epochs: one a second, and so many at once when a network
/// starts or a node drains. Each goes to every node and client.
const DOCUMENT_EVERY: Duration = Duration::from_secs(1);
const DOCUMENTS_AT_ONCE: u32 = 10;

/// Joins and changes of one identity: one in this time (or in a quarter of an epoch, if that is
/// shorter), and so many at once: a start, other keys, another address.
const CHANGE_EVERY: Duration = Duration::from_secs(10);
const CHANGES_AT_ONCE: u32 = 3;

/// A token bucket: `at_once` tokens, one more each `every`. It remembers one time: when the bucket
/// is full again.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    every: Duration,
    at_once: u32,
    whole_at: SystemTime,
}

impl Allowance {
    const fn new(every: Duration, at_once: u32, now: SystemTime) -> Self {
        Self { every, at_once, whole_at: now }
    }

    /// When the next token is there. After a clock was set back, times that it showed before do not
    /// count.
    fn ready_at(&self, now: SystemTime) -> SystemTime {
        match self.whole_at.duration_since(now) {
            Ok(missing) if missing <= self.every * self.at_once => {
                let ready = self.whole_at - self.every * (self.at_once - 1);
                ready.max(now)
            }
            _ => now,
        }
    }

    fn take(&mut self, now: SystemTime) {
        let stands = self.whole_at <= now + self.every * self.at_once;
        self.whole_at = self.whole_at.max(now) + self.every;
        if !stands {
            self.whole_at = now + self.every;
        }
    }
}

/// The pace of documents.
#[derive(Debug)]
pub(super) struct DocumentPace(Allowance);

impl DocumentPace {
    pub(super) const fn new(now: SystemTime) -> Self {
        Self(Allowance::new(DOCUMENT_EVERY, DOCUMENTS_AT_ONCE, now))
    }

    /// When a document may come for changes.
    pub(super) fn ready_at(&self, now: SystemTime) -> SystemTime {
        self.0.ready_at(now)
    }

    /// One came.
    pub(super) fn note(&mut self, now: SystemTime) {
        self.0.take(now);
    }
}

/// The pace of each identity's changes; those that have not changed for a while are forgotten.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeMap<IdentityPublic, Allowance>);

impl Changes {
    /// Whether an identity may join or change now.
    pub(super) fn check(
        &self,
        identity: &IdentityPublic,
        now: SystemTime,
    ) -> Result<(), Rejection> {
        let ready = self.0.get(identity).map_or(now, |allowance| allowance.ready_at(now));
        match ready.duration_since(now) {
            Ok(wait) if !wait.is_zero() => Err(Rejection::TooSoon { wait }),
            _ => Ok(()),
        }
    }

    /// It did, in epochs of this length.
    pub(super) fn note(&mut self, identity: IdentityPublic, epoch: Duration, now: SystemTime) {
        let every = CHANGE_EVERY.min(epoch / 4);
        let allowance =
            self.0.entry(identity).or_insert(Allowance::new(every, CHANGES_AT_ONCE, now));
        allowance.every = every;
        allowance.take(now);
    }

    /// Forgets whose allowance is whole again.
    pub(super) fn forget(&mut self, now: SystemTime) {
        self.0.retain(|_, allowance| {
            let missing = allowance.whole_at.duration_since(now).unwrap_or_default();
            !missing.is_zero() && missing <= allowance.every * allowance.at_once
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_millis;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn some_at_once_and_then_one_each_so_often() {
        let start = from_millis(1_700_000_000_000).unwrap();
        let mut allowance = Allowance::new(SECOND, 3, start);
        for _ in 0..3 {
            assert_eq!(allowance.ready_at(start), start);
            allowance.take(start);
        }
        assert_eq!(allowance.ready_at(start), start + SECOND);
        let mut now = start;
        for _ in 0..5 {
            now = allowance.ready_at(now);
            allowance.take(now);
        }
        assert_eq!(now, start + 5 * SECOND);
        // After a pause the bucket is full again, and no more.
        now += 100 * SECOND;
        for _ in 0..3 {
            allowance.take(now);
        }
        assert_eq!(allowance.ready_at(now), now + SECOND);
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_waiting() {
        let start = from_millis(1_700_000_000_000).unwrap();
        let mut allowance = Allowance::new(SECOND, 3, start + 3600 * SECOND);
        assert_eq!(allowance.ready_at(start), start);
        allowance.take(start);
        assert_eq!(allowance.whole_at, start + SECOND);
    }
}
