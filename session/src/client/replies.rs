//! Which replies have come, and which will not.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::received::Received;

/// The provider's packets. It makes them in the order of their numbers, so a packet is lost when a
/// later one was made, and the slowest block that the provider could have used for it would have
/// brought it by now.
#[derive(Debug, Default)]
pub(super) struct Replies {
    received: Received,
    /// Everything below has come, or is lost.
    settled: u32,
    /// Everything below a number is settled from a time on.
    settling: VecDeque<(u32, Instant)>,
}

impl Replies {
    /// A reply came that was made at `made`; replies may take `longest`. `None` if it came before
    /// or cannot be, else whether it is the latest one that was made.
    pub(super) fn handle(&mut self, number: u32, made: Instant, longest: Duration) -> Option<bool> {
        let latest = number >= self.received.ceiling();
        if self.received.has(number) || !self.received.mark(number) {
            return None;
        }
        if latest && number > self.settled {
            self.settling.push_back((number, made + longest));
        }
        self.advance();
        Some(latest)
    }

    fn advance(&mut self) {
        while self.settled < self.received.ceiling() && self.received.has(self.settled) {
            self.settled += 1;
        }
        while self.settling.front().is_some_and(|(number, _)| *number <= self.settled) {
            self.settling.pop_front();
        }
    }

    /// How many replies were found to be lost by now.
    pub(super) fn settle(&mut self, now: Instant) -> usize {
        let mut lost = 0;
        while let Some((number, _)) = self.settling.front().filter(|(_, at)| *at <= now).copied() {
            lost += (self.settled..number).filter(|gone| !self.received.has(*gone)).count();
            self.settled = self.settled.max(number);
            self.advance();
        }
        lost
    }

    /// When replies may be found to be lost next.
    pub(super) fn next_settle(&self) -> Option<Instant> {
        self.settling.front().map(|(_, at)| *at)
    }

    /// What the provider is told: floor, settled, bitmap. Nothing as long as nothing came.
    pub(super) fn told(&self) -> Option<(u32, u32, Vec<u8>)> {
        let floor = self.received.floor();
        (self.received.ceiling() > 0).then(|| (floor, self.settled, self.received.bitmap()))
    }

    pub(super) fn settled(&self) -> u32 {
        self.settled
    }

    /// The provider knows everything below.
    pub(super) fn known(&mut self, settled: u32) {
        self.received.raise(settled);
    }

    /// Replies of which it is not known whether they will come.
    pub(super) fn open(&self) -> usize {
        (self.received.ceiling() - self.settled) as usize
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to start from")]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_lost_when_a_later_one_was_made_long_ago() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let longest = Duration::from_millis(100);
        let mut replies = Replies::default();
        assert_eq!(replies.handle(0, at(0), longest), Some(true));
        assert_eq!(replies.handle(3, at(10), longest), Some(true));
        assert_eq!(replies.handle(2, at(9), longest), Some(false));
        assert_eq!(replies.handle(2, at(9), longest), None);
        assert_eq!((replies.settle(at(109)), replies.settled()), (0, 1));
        assert_eq!(replies.next_settle(), Some(at(110)));
        assert_eq!((replies.settle(at(110)), replies.settled()), (1, 4));
        assert_eq!(replies.told(), Some((0, 4, vec![0b1101])));
        assert_eq!(replies.handle(1, at(5), longest), Some(false), "late is better than never");
        replies.known(4);
        assert_eq!(replies.told(), Some((4, 4, vec![])));
        assert_eq!(replies.handle(1, at(5), longest), None);
    }

    #[test]
    fn what_fills_the_gap_ends_the_wait() {
        let start = Instant::now();
        let mut replies = Replies::default();
        replies.handle(1, start, Duration::ZERO);
        replies.handle(0, start, Duration::ZERO);
        assert_eq!((replies.next_settle(), replies.settled(), replies.open()), (None, 2, 0));
        assert_eq!(replies.handle(u32::MAX, start, Duration::ZERO), None, "no provider is so far");
    }
}
