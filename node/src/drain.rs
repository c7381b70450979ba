//! When a node that has left the document may close.
#![deny(clippy::disallowed_methods)]

use std::time::{Duration, Instant};

/// How much longer than its mixing delays a packet is on its way, and until everybody has the new
/// document: many times what either takes.
const MARGIN: Duration = Duration::from_millis(500);

/// A packet waits for up to seven mean delays before the last node of its way back, and less before
/// any other; longer than 30 of them together once in a million times.
const DELAYS: u32 = 30;

/// How long nothing may have come before nothing more will: what was sealed before its sender knew
/// that the node has left would have come by then.
pub(crate) fn silence(mean_hop_delay: Duration) -> Duration {
    mean_hop_delay.saturating_mul(DELAYS).saturating_add(MARGIN)
}

/// Watches a node that has left until nothing comes any more.
#[derive(Debug)]
pub(crate) struct Quiet {
    received: u64,
    since: Instant,
}

impl Quiet {
    /// It has left now, and has received so many packets until now.
    pub(crate) fn new(received: u64, now: Instant) -> Self {
        Self { received, since: now }
    }

    /// It has received so many packets until now, and works on something that it has begun or not.
    pub(crate) fn handle(&mut self, received: u64, busy: bool, now: Instant) {
        if received != self.received || busy {
            *self = Self::new(received, now);
        }
    }

    /// Since when nothing comes.
    pub(crate) fn lasts(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to begin at")]
mod tests {
    use super::*;

    #[test]
    fn packets_and_work_begun_break_the_silence() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut quiet = Quiet::new(7, at(0));
        quiet.handle(7, false, at(2));
        assert_eq!(quiet.lasts(at(2)), Duration::from_secs(2));
        quiet.handle(8, false, at(3));
        assert_eq!(quiet.lasts(at(3)), Duration::ZERO);
        quiet.handle(8, true, at(4));
        quiet.handle(8, false, at(6));
        assert_eq!(quiet.lasts(at(7)), Duration::from_secs(3));
    }

    #[test]
    fn the_silence_follows_the_delays() {
        assert_eq!(silence(Duration::from_millis(50)), Duration::from_secs(2));
        assert_eq!(silence(Duration::ZERO), MARGIN);
        assert_eq!(silence(Duration::MAX), Duration::MAX);
    }
}
