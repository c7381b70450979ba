//! Which reply blocks may be used now: without I/O and without a clock.

#![deny(clippy::disallowed_methods)]

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use mixbed_wire::REPLY_BLOCK_SIZE;

/// Answers sent on in a second. Each costs about as much as an unwrap, of which a gateway does
/// thousands.
const PER_SECOND: u32 = 20;

/// Answers at once, after a time without any.
const AT_ONCE: u32 = 100;

/// Blocks that are remembered; the oldest makes room. At the full rate these are 83 minutes, longer
/// than the keys of usual epochs are good, and 5 MB. Whatever is forgotten here, mix 1 knows: a
/// block used twice is two packets with one replay tag.
const REMEMBERED: usize = 100_000;

/// What a block begins with is random and its own: the first element of its header.
type Name = [u8; 32];

/// Lets each block through once, and not too many at a time.
#[derive(Debug)]
pub(super) struct Desk {
    used: HashSet<Name>,
    by_age: VecDeque<Name>,
    /// Since when it fills: what is in it is what fits into the time since then.
    filled_from: Instant,
}

/// Whether a block may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    Granted,
    /// It was, before.
    Used,
    /// Not now.
    Busy,
}

impl Desk {
    const EACH: Duration = Duration::from_micros(1_000_000 / PER_SECOND as u64);

    pub(super) fn new(now: Instant) -> Self {
        let full = Self::EACH * AT_ONCE;
        let filled_from = now.checked_sub(full).unwrap_or(now);
        Self { used: HashSet::new(), by_age: VecDeque::new(), filled_from }
    }

    pub(super) fn handle_block(&mut self, block: &[u8; REPLY_BLOCK_SIZE], now: Instant) -> Leave {
        let Some((name, _)) = block.split_first_chunk() else { return Leave::Used };
        if self.used.contains(name) {
            return Leave::Used;
        }
        let full = Self::EACH * AT_ONCE;
        if now.saturating_duration_since(self.filled_from) > full {
            self.filled_from = now.checked_sub(full).unwrap_or(self.filled_from);
        }
        if now.saturating_duration_since(self.filled_from) < Self::EACH {
            return Leave::Busy;
        }
        self.filled_from += Self::EACH;
        if self.by_age.len() >= REMEMBERED
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.used.remove(&oldest);
        }
        self.used.insert(*name);
        self.by_age.push_back(*name);
        Leave::Granted
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a starting point in time, from which the tests count"
)]
mod tests {
    use super::*;

    fn block(number: u32) -> [u8; REPLY_BLOCK_SIZE] {
        let mut block = [0; REPLY_BLOCK_SIZE];
        block[..4].copy_from_slice(&number.to_be_bytes());
        block
    }

    #[test]
    fn a_block_passes_once() {
        let now = Instant::now() + Duration::from_secs(60);
        let mut desk = Desk::new(now);
        assert_eq!(desk.handle_block(&block(1), now), Leave::Granted);
        assert_eq!(desk.handle_block(&block(1), now), Leave::Used);
        let mut changed = block(1);
        changed[300] = 9;
        assert_eq!(desk.handle_block(&changed, now), Leave::Used, "it is the same to mix 1");
        assert_eq!(desk.handle_block(&block(2), now), Leave::Granted);
    }

    #[test]
    fn a_flood_is_held_to_the_rate_and_takes_a_bounded_place() {
        let began = Instant::now() + Duration::from_secs(60);
        let mut desk = Desk::new(began);
        let (mut granted, mut number) = (0, 0);
        let mut ask = |desk: &mut Desk, now| {
            number += 1;
            desk.handle_block(&block(number), now) == Leave::Granted
        };
        for millis in 0..10_000 {
            granted += u32::from(ask(&mut desk, began + Duration::from_millis(millis)));
        }
        assert!((298..=300).contains(&granted), "{granted} in ten seconds");
        let quiet = began + Duration::from_secs(3600);
        let burst = (0..1000).filter(|_| ask(&mut desk, quiet)).count();
        assert_eq!(burst, 100, "no more than that is saved up");

        let mut now = quiet;
        for _ in 0..REMEMBERED + 50 {
            now += Desk::EACH;
            assert!(ask(&mut desk, now));
        }
        assert_eq!((desk.used.len(), desk.by_age.len()), (REMEMBERED, REMEMBERED));
    }
}
