//! What several directories say of the time.

#![deny(clippy::disallowed_methods)]

use std::time::Duration;

use crate::clock::ClockOffset;

/// A clock that seems to have moved by more than this has been set.
const MOVED: Duration = Duration::from_secs(1);

/// How far this machine's clock is from each directory's, as that told it last.
#[derive(Debug)]
pub(super) struct Clocks(Vec<Option<ClockOffset>>);

impl Clocks {
    pub(super) fn of(directories: usize) -> Self {
        Self(vec![None; directories])
    }

    /// Notes what one of them says; whether that is far from what it said before, or it has said
    /// nothing before.
    pub(super) fn note(&mut self, directory: usize, offset: ClockOffset) -> bool {
        let Some(told) = self.0.get_mut(directory) else { return false };
        let moved = |before: ClockOffset| before.millis().abs_diff(offset.millis()) > millis(MOVED);
        told.replace(offset).is_none_or(moved)
    }

    /// The one in the middle, which a minority that lies cannot move beyond what honest ones say.
    /// Who has said nothing counts for this machine's clock. The only directory is in the middle.
    pub(super) fn agreed(&self) -> ClockOffset {
        let mut offsets: Vec<_> = self.0.iter().map(|told| told.unwrap_or_default()).collect();
        offsets.sort_by_key(|offset| offset.millis());
        offsets.get(offsets.len() / 2).copied().unwrap_or_default()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(seconds: i64) -> ClockOffset {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        ClockOffset { distance, ahead: seconds > 0 }
    }

    fn agreed(told: &[Option<i64>]) -> i64 {
        let mut clocks = Clocks::of(told.len());
        for (at, told) in told.iter().enumerate() {
            if let Some(seconds) = told {
                clocks.note(at, offset(*seconds));
            }
        }
        clocks.agreed().millis() / 1000
    }

    #[test]
    fn the_only_directory_is_believed_and_one_of_three_is_not() {
        assert_eq!(agreed(&[Some(75)]), 75);
        for lie in [-1_000_000, -9, 9, 1_000_000] {
            assert!((1..=2).contains(&agreed(&[Some(lie), Some(1), Some(2)])), "{lie}");
            assert_eq!(agreed(&[None, Some(lie), None]), 0, "{lie}: this machine's clock");
            assert!((0..=3).contains(&agreed(&[Some(3), None, Some(lie)])), "{lie}");
        }
        assert_eq!(agreed(&[Some(0), Some(75), Some(80)]), 75, "it is this machine's clock");
        assert_eq!(agreed(&[Some(-9), Some(-9), Some(1), Some(2), Some(3)]), 1);
    }

    #[test]
    fn a_clock_that_was_set_shows() {
        let mut clocks = Clocks::of(3);
        assert!(clocks.note(1, offset(5)), "nothing was known");
        assert!(!clocks.note(1, offset(6)));
        assert!(clocks.note(1, offset(-2)));
        assert!(!clocks.note(3, offset(5)), "there is no such directory");
    }
}
