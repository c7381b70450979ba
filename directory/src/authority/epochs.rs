//! Which epoch it is.

#![deny(clippy::disallowed_methods)]

use std::time::{Duration, SystemTime};

use crate::time::{from_millis, to_millis};

/// An epoch's number and span, and the length of all epochs after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    /// The epoch, counted from 1.
    pub number: u64,
    /// When it starts.
    pub start: SystemTime,
    /// When the next one starts.
    pub end: SystemTime,
    /// How long each epoch after this one is.
    pub length: Duration,
}

impl Epochs {
    /// The first epoch of a network starts now.
    #[must_use]
    pub fn begin(now: SystemTime, length: Duration) -> Self {
        Self { number: 1, start: now, end: now + length, length }
    }

    /// Begins another epoch now if this one begins in the future, beyond `tolerated`: a clock that
    /// was ahead for a while must not keep the network waiting until then. Says whether it did.
    pub fn resume(&mut self, now: SystemTime, tolerated: Duration) -> bool {
        if self.start.duration_since(now).is_ok_and(|ahead| ahead > tolerated) {
            self.number = self.number.saturating_add(1);
            (self.start, self.end) = (now, now + self.length);
            return true;
        }
        false
    }

    /// Moves on to the epoch that `now` is in; says whether that is another one. Never goes back,
    /// whatever the clock does.
    pub fn advance(&mut self, now: SystemTime) -> bool {
        let Ok(past_end) = now.duration_since(self.end) else {
            return false;
        };
        let length = u64::try_from(self.length.as_millis()).unwrap_or(u64::MAX).max(1);
        let past_end = u64::try_from(past_end.as_millis()).unwrap_or(u64::MAX);
        let skipped = past_end / length;
        let start = to_millis(self.end).saturating_add(skipped.saturating_mul(length));
        let Some((start, end)) = from_millis(start).zip(from_millis(start.saturating_add(length)))
        else {
            return false; // the year 10,000: the last epoch lasts
        };
        self.number = self.number.saturating_add(1).saturating_add(skipped);
        (self.start, self.end) = (start, end);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn epochs_follow_each_other_without_gaps() {
        let mut epochs = Epochs::begin(at(1000), Duration::from_secs(10));
        assert!(!epochs.advance(at(1009)));
        assert!(epochs.advance(at(1010)));
        assert_eq!((epochs.number, epochs.start, epochs.end), (2, at(1010), at(1020)));
        assert!(epochs.advance(at(1055)));
        assert_eq!((epochs.number, epochs.start, epochs.end), (6, at(1050), at(1060)));
    }

    #[test]
    fn a_clock_that_goes_back_changes_nothing() {
        let mut epochs = Epochs::begin(at(1000), Duration::from_secs(10));
        epochs.advance(at(1025));
        let before = epochs;
        assert!(!epochs.advance(at(5)));
        assert_eq!(epochs, before);
    }

    #[test]
    fn a_start_that_is_too_far_ahead_becomes_now_with_the_next_number() {
        let mut epochs = Epochs::begin(at(1000), Duration::from_secs(10));
        let before = epochs;
        assert!(!epochs.resume(at(995), Duration::from_secs(5)));
        assert!(!epochs.resume(at(1100), Duration::from_secs(5)));
        assert_eq!(epochs, before);
        assert!(epochs.resume(at(994), Duration::from_secs(5)));
        assert_eq!((epochs.number, epochs.start, epochs.end), (2, at(994), at(1004)));
    }

    #[test]
    fn another_length_holds_from_the_next_epoch_on() {
        let mut epochs = Epochs::begin(at(1000), Duration::from_secs(10));
        epochs.length = Duration::from_secs(100);
        assert!(epochs.advance(at(1010)));
        assert_eq!((epochs.number, epochs.start, epochs.end), (2, at(1010), at(1110)));
    }
}
