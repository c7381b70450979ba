//! Answers to drops, which nobody waits for.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use mixbed_wire::Identifier;

/// The drops that may still be answered: so their answers are known for what they are.
#[derive(Debug, Default)]
pub struct Drops {
    waiting: HashMap<Identifier, Instant>,
    by_end: BTreeSet<(Instant, Identifier)>,
}

impl Drops {
    /// How much later than its delays an answer may come.
    const GRACE: Duration = Duration::from_secs(30);

    /// Drops that may be answered at most, some 400 KB; of more, the one whose answer is due first is
    /// forgotten. At 30 a second each may take two minutes.
    const MOST: usize = 4096;

    /// A drop was handed to the link. `delays`: the sum of those drawn for it.
    pub fn handle_sent(&mut self, identifier: Identifier, delays: Duration, now: Instant) {
        while let Some(&(end, first)) = self.by_end.first()
            && (end <= now || self.by_end.len() >= Self::MOST)
        {
            self.by_end.pop_first();
            self.waiting.remove(&first);
        }
        let end = now + delays + Self::GRACE;
        self.waiting.insert(identifier, end);
        self.by_end.insert((end, identifier));
    }

    /// A packet of this name came. Says whether it answers a drop.
    pub fn handle_returned(&mut self, identifier: &Identifier) -> bool {
        let end = self.waiting.remove(identifier);
        end.is_some_and(|end| self.by_end.remove(&(end, *identifier)))
    }

    /// The link is gone: what is under way has no way back.
    pub fn handle_link_lost(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to start from")]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_once_and_for_a_while() {
        let (start, delays) = (Instant::now(), Duration::from_secs(1));
        let mut drops = Drops::default();
        drops.handle_sent([1; 16], delays, start);
        assert!(drops.handle_returned(&[1; 16]) && !drops.handle_returned(&[1; 16]));
        assert!(!drops.handle_returned(&[2; 16]));
        drops.handle_sent([3; 16], delays, start);
        drops.handle_sent([4; 16], delays, start + delays + Drops::GRACE);
        assert!(!drops.handle_returned(&[3; 16]) && drops.handle_returned(&[4; 16]));
    }

    #[test]
    fn they_are_bounded() {
        let now = Instant::now();
        let mut drops = Drops::default();
        for number in 0..2 * Drops::MOST as u128 {
            drops.handle_sent(number.to_be_bytes(), Duration::ZERO, now);
        }
        assert_eq!((drops.waiting.len(), drops.by_end.len()), (Drops::MOST, Drops::MOST));
    }
}
