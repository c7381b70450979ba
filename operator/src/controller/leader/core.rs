//! Which replica works: the decision, as of Kubernetes' own controllers.
//!
//! A replica that holds the lease renews it often. The others watch it, and take it when it has
//! not changed for its whole length by *their own* clock: clocks of different machines are never
//! compared. The holder stops by itself a good while before that, if it cannot renew.

#![deny(clippy::disallowed_methods)]

use std::time::{Duration, Instant};

/// How long a lease holds that is not renewed.
pub(crate) const LENGTH: Duration = Duration::from_secs(15);

/// How long the holder works on without having renewed it: shorter than [`LENGTH`], so that two
/// never work at once.
const GIVE_UP: Duration = Duration::from_secs(10);

/// How often the holder renews it.
const RENEW: Duration = Duration::from_secs(4);

/// How often the others look.
const LOOK: Duration = Duration::from_secs(2);

/// A lease as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// Who holds it; empty: nobody.
    pub(crate) holder: String,
    /// Changes whenever it is written.
    pub(crate) version: String,
    /// How long it holds.
    pub(crate) length: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write the lease, with our name.
    Take,
    /// Look again later.
    Stand,
}

/// One replica's view.
#[derive(Debug)]
pub(crate) struct Election {
    us: String,
    /// The lease as it was when it last changed, and when we saw that.
    seen: Option<(Record, Instant)>,
    /// When the write began that last gave it to us.
    held_since: Option<Instant>,
}

impl Election {
    pub(crate) fn new(us: String) -> Self {
        Self { us, seen: None, held_since: None }
    }

    /// The lease was read, or there is none.
    pub(crate) fn handle_lease(&mut self, record: Option<Record>, now: Instant) -> Step {
        let Some(record) = record else {
            return Step::Take;
        };
        let free = record.holder.is_empty() || record.holder == self.us;
        match &mut self.seen {
            Some((seen, _)) if *seen == record => {}
            seen => *seen = Some((record, now)),
        }
        let expired = self.seen.as_ref().is_some_and(|(seen, since)| now >= *since + seen.length);
        if free || expired {
            return Step::Take;
        }
        self.held_since = None;
        Step::Stand
    }

    /// The write that began at `began` succeeded: the lease is ours.
    pub(crate) fn handle_written(&mut self, record: Record, began: Instant) {
        self.held_since = Some(began);
        self.seen = Some((record, began));
    }

    /// Somebody else has written it.
    pub(crate) fn handle_lost(&mut self) {
        self.held_since = None;
    }

    /// Until when we work, unless it is renewed before; nothing: we do not.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        self.held_since.map(|since| since + GIVE_UP).filter(|until| now < *until)
    }

    /// How long until the lease is looked at again.
    pub(crate) fn pause(&self, now: Instant) -> Duration {
        match self.held_since {
            Some(since) if now < since + RENEW => (since + RENEW) - now,
            // It should have been renewed by now.
            Some(_) => LOOK / 2,
            None => LOOK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(holder: &str, version: &str) -> Record {
        Record { holder: holder.to_owned(), version: version.to_owned(), length: LENGTH }
    }

    /// A fixed time, from which tests count.
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_free_lease_is_taken_and_renewed() {
        let (mut a, now) = (Election::new("a".to_owned()), start());
        assert_eq!(a.handle_lease(None, now), Step::Take);
        assert_eq!(a.until(now), None, "not before it is written");
        a.handle_written(record("a", "1"), now);
        assert_eq!(a.until(now), Some(now + GIVE_UP));
        assert_eq!(a.pause(now), RENEW);
        assert_eq!(a.handle_lease(Some(record("a", "1")), now + RENEW), Step::Take);
        a.handle_written(record("a", "2"), now + RENEW);
        assert_eq!(a.until(now + RENEW), Some(now + RENEW + GIVE_UP));
    }

    #[test]
    fn another_waits_for_the_whole_length_by_its_own_clock() {
        let (mut b, now) = (Election::new("b".to_owned()), start());
        assert_eq!(b.handle_lease(Some(record("a", "1")), now), Step::Stand);
        assert_eq!(b.handle_lease(Some(record("a", "1")), now + secs(14)), Step::Stand);
        assert_eq!(b.handle_lease(Some(record("a", "2")), now + secs(14)), Step::Stand);
        assert_eq!(b.handle_lease(Some(record("a", "2")), now + secs(28)), Step::Stand);
        assert_eq!(b.handle_lease(Some(record("a", "2")), now + secs(29)), Step::Take);
    }

    #[test]
    fn one_that_cannot_renew_stops_before_another_can_begin() {
        let (mut a, mut b, now) =
            (Election::new("a".to_owned()), Election::new("b".to_owned()), start());
        a.handle_written(record("a", "1"), now);
        assert_eq!(b.handle_lease(Some(record("a", "1")), now), Step::Stand);
        for millis in 0..20_000 {
            let now = now + Duration::from_millis(millis);
            let b_works = b.handle_lease(Some(record("a", "1")), now) == Step::Take;
            assert!(!(a.until(now).is_some() && b_works), "both work after {millis} ms");
        }
        assert_eq!(a.until(now + GIVE_UP), None);
        assert_eq!(b.handle_lease(Some(record("a", "1")), now + LENGTH), Step::Take);
    }

    #[test]
    fn a_released_lease_is_taken_at_once() {
        let (mut b, now) = (Election::new("b".to_owned()), start());
        assert_eq!(b.handle_lease(Some(record("a", "1")), now), Step::Stand);
        assert_eq!(b.handle_lease(Some(record("", "2")), now + secs(1)), Step::Take);
    }

    #[test]
    fn one_that_lost_it_stops_at_once() {
        let (mut a, now) = (Election::new("a".to_owned()), start());
        a.handle_written(record("a", "1"), now);
        assert_eq!(a.handle_lease(Some(record("b", "2")), now + secs(1)), Step::Stand);
        assert_eq!(a.until(now + secs(1)), None);
        a.handle_written(record("a", "3"), now + secs(20));
        a.handle_lost();
        assert_eq!(a.until(now + secs(20)), None);
    }
}
