//! Which loops came back.
#![deny(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_wire::{Identifier, LOOPS_JUDGED, LoopOutcome, NodeId};

/// How the loops of a node did that went out by one next hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoopTally {
    /// Loops sent.
    pub sent: u64,
    /// Loops that came back in time and whole.
    pub returned: u64,
    /// Loops that are overdue, or came back garbled.
    pub lost: u64,
    /// How the last loops ended, the latest in the lowest bit; 1 is back. Only the lowest
    /// `returned + lost` bits mean something.
    recent: u64,
}

impl LoopTally {
    /// The loops that [`recent`](Self::recent) looks at.
    pub const WINDOW: u32 = u64::BITS;

    /// Of the last loops that ended, up to [`WINDOW`](Self::WINDOW): how many came back, and how
    /// many there were.
    #[must_use]
    pub fn recent(&self) -> (u32, u32) {
        let ended = u32::try_from(self.returned + self.lost).unwrap_or(u32::MAX).min(Self::WINDOW);
        // Bits that no loop has set yet are zero.
        (self.recent.count_ones(), ended)
    }

    fn end(&mut self, returned: bool) {
        *(if returned { &mut self.returned } else { &mut self.lost }) += 1;
        self.recent = self.recent << 1 | u64::from(returned);
    }
}

/// Remembers the loops under way, and how those that ended did.
#[derive(Debug, Default)]
pub(crate) struct Sensor {
    under_way: HashMap<Identifier, Loop>,
    timers: BTreeSet<(Instant, Identifier)>,
    tallies: BTreeMap<Arc<str>, LoopTally>,
    /// The last ones.
    ended: VecDeque<LoopOutcome>,
}

#[derive(Debug)]
struct Loop {
    next: Arc<str>,
    hops: Vec<NodeId>,
    sent: Instant,
    due: Instant,
}

impl Sensor {
    /// How much later than its own delays a loop may come: links, queues, the workers.
    pub(crate) const GRACE: Duration = Duration::from_secs(5);

    /// Loops under way at most; while there are as many, no more are made. At 120 bytes each they
    /// are 2 MB, and allow 3,000 loops a second.
    pub(crate) const UNDER_WAY: usize = 16_384;

    /// Whether it has room for another loop.
    pub(crate) fn has_room(&self) -> bool {
        self.under_way.len() < Self::UNDER_WAY
    }

    /// A loop goes out to `next`, by way of `hops`; `delays` is the sum of those drawn for it.
    pub(crate) fn handle_sent(
        &mut self,
        identifier: Identifier,
        next: &str,
        hops: Vec<NodeId>,
        delays: Duration,
        now: Instant,
    ) {
        let next = match self.tallies.get_key_value(next) {
            Some((name, _)) => Arc::clone(name),
            None => Arc::from(next),
        };
        self.tallies.entry(Arc::clone(&next)).or_default().sent += 1;
        let due = now + delays + Self::GRACE;
        self.timers.insert((due, identifier));
        self.under_way.insert(identifier, Loop { next, hops, sent: now, due });
    }

    /// A packet ended here. If it is a loop that is waited for: the next hop it went out by, and
    /// how long it took. `whole`: its payload was not changed on the way.
    pub(crate) fn handle_exit(
        &mut self,
        identifier: &Identifier,
        whole: bool,
        now: Instant,
    ) -> Option<(Arc<str>, Duration)> {
        let Loop { next, hops, sent, due } = self.under_way.remove(identifier)?;
        self.timers.remove(&(due, *identifier));
        self.end(&next, hops, whole, now);
        Some((next, now.saturating_duration_since(sent)))
    }

    /// The next loop that is overdue at `now`: the next hop it went out by.
    pub(crate) fn poll_lost(&mut self, now: Instant) -> Option<Arc<str>> {
        let (_, identifier) = self.timers.first().filter(|(due, _)| *due <= now).copied()?;
        self.timers.pop_first();
        let Loop { next, hops, .. } = self.under_way.remove(&identifier)?;
        self.end(&next, hops, false, now);
        Some(next)
    }

    /// A loop was shed before it left: it never was.
    pub(crate) fn handle_shed(&mut self, identifier: &Identifier) {
        if let Some(Loop { next, due, .. }) = self.under_way.remove(identifier) {
            self.timers.remove(&(due, *identifier));
            if let Some(tally) = self.tallies.get_mut(&next) {
                tally.sent -= 1;
            }
        }
    }

    fn end(&mut self, next: &Arc<str>, hops: Vec<NodeId>, returned: bool, now: Instant) {
        self.tallies.entry(Arc::clone(next)).or_default().end(returned);
        if self.ended.len() >= LOOPS_JUDGED {
            self.ended.pop_front();
        }
        self.ended.push_back(LoopOutcome { hops, returned, ended: now });
    }

    /// The last loops that ended, the latest last, at most [`LOOPS_JUDGED`].
    pub(crate) fn outcomes(&self) -> Vec<LoopOutcome> {
        self.ended.iter().cloned().collect()
    }

    /// When [`poll_lost`](Self::poll_lost) is due.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Forgets how loops by way of nodes did that are gone.
    pub(crate) fn retain(&mut self, is_listed: impl Fn(&str) -> bool) {
        self.tallies.retain(|name, _| is_listed(name));
    }

    /// No loops go out any more: what the last ones told is of the past.
    pub(crate) fn handle_off(&mut self) {
        self.ended.clear();
    }

    /// How the loops did, by next hop.
    pub(crate) fn tallies(&self) -> BTreeMap<String, LoopTally> {
        self.tallies.iter().map(|(name, tally)| (name.to_string(), *tally)).collect()
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a starting point in time, from which the tests count"
)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(1);

    #[test]
    fn a_loop_comes_back_once_or_is_lost_once() {
        let start = Instant::now();
        let mut sensor = Sensor::default();
        sensor.handle_sent([1; 16], "a", Vec::new(), DELAY, start);
        sensor.handle_sent([2; 16], "a", Vec::new(), DELAY, start);
        sensor.handle_sent([3; 16], "b", Vec::new(), DELAY * 2, start);
        let took = Duration::from_millis(700);
        let back = sensor.handle_exit(&[1; 16], true, start + took);
        assert_eq!(back, Some(("a".into(), took)));
        assert_eq!(sensor.handle_exit(&[1; 16], true, start + took), None, "a copy is no loop");
        let due = start + DELAY + Sensor::GRACE;
        assert_eq!(sensor.poll_at(), Some(due));
        assert_eq!(sensor.poll_lost(start + DELAY), None, "not yet");
        assert_eq!(sensor.poll_lost(due).as_deref(), Some("a"));
        assert_eq!(sensor.poll_lost(due), None);
        assert_eq!(sensor.handle_exit(&[2; 16], true, due), None, "too late");
        assert!(sensor.handle_exit(&[3; 16], false, due).is_some());
        assert_eq!(sensor.poll_at(), None);
        sensor.handle_sent([4; 16], "a", Vec::new(), DELAY, due);
        sensor.handle_shed(&[4; 16]);
        assert_eq!(sensor.poll_at(), None, "what was shed at home is not waited for");
        let ended: Vec<_> = sensor.outcomes().iter().map(|outcome| outcome.returned).collect();
        assert_eq!(ended, [true, false, false]);
        let tallies = sensor.tallies();
        let counts = |name| {
            let LoopTally { sent, returned, lost, .. } = tallies[name];
            (sent, returned, lost)
        };
        assert_eq!((counts("a"), counts("b")), ((2, 1, 1), (1, 0, 1)));
        assert_eq!(tallies["a"].recent(), (1, 2));
        sensor.retain(|name| name == "b");
        assert_eq!(sensor.tallies().len(), 1);
    }

    #[test]
    fn only_the_last_loops_count_as_recent() {
        let start = Instant::now();
        let mut sensor = Sensor::default();
        for number in 0..100_u8 {
            sensor.handle_sent([number; 16], "a", Vec::new(), DELAY, start);
            sensor.handle_exit(&[number; 16], number < 90, start);
        }
        assert_eq!(sensor.tallies()["a"].recent(), (54, 64));
    }

    #[test]
    fn it_says_when_it_is_full() {
        let start = Instant::now();
        let mut sensor = Sensor::default();
        for number in 0..Sensor::UNDER_WAY {
            assert!(sensor.has_room());
            let mut identifier = [0; 16];
            identifier[..8].copy_from_slice(&number.to_le_bytes());
            sensor.handle_sent(identifier, "a", Vec::new(), DELAY, start);
        }
        assert!(!sensor.has_room());
        assert!(sensor.poll_lost(start + DELAY + Sensor::GRACE).is_some());
        assert!(sensor.has_room());
    }
}
