//! Two clocks that differ: this machine's and the directory's.

#![deny(clippy::disallowed_methods)]

use std::fmt;
use std::time::{Duration, SystemTime};

/// How far a clock is from the directory's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockOffset {
    /// How far.
    pub distance: Duration,
    /// Whether it is ahead of the directory's, not behind.
    pub ahead: bool,
}

impl ClockOffset {
    /// What lies between a clock's time and the directory's at one moment.
    #[must_use]
    pub fn between(own: SystemTime, directory: SystemTime) -> Self {
        match own.duration_since(directory) {
            Ok(distance) => Self { distance, ahead: true },
            Err(behind) => Self { distance: behind.duration(), ahead: false },
        }
    }

    /// The directory's time when the clock shows `own`.
    #[must_use]
    pub fn directory_time(self, own: SystemTime) -> SystemTime {
        let time = if self.ahead {
            own.checked_sub(self.distance)
        } else {
            own.checked_add(self.distance)
        };
        time.unwrap_or(own)
    }

    /// What the clock shows at a time of the directory's.
    #[must_use]
    pub fn own_time(self, directory: SystemTime) -> SystemTime {
        Self { ahead: !self.ahead, ..self }.directory_time(directory)
    }

    /// In milliseconds; negative if the clock is behind.
    #[must_use]
    pub fn millis(self) -> i64 {
        let millis = i64::try_from(self.distance.as_millis()).unwrap_or(i64::MAX);
        if self.ahead { millis } else { -millis }
    }
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.ahead { "ahead of" } else { "behind" };
        write!(f, "{:.1} s {way} the directory's", self.distance.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_millis;

    #[test]
    fn both_directions() {
        let (at, later) = (from_millis(1_000_000).unwrap(), from_millis(1_075_000).unwrap());
        let ahead = ClockOffset::between(later, at);
        assert_eq!(ahead.to_string(), "75.0 s ahead of the directory's");
        assert_eq!((ahead.millis(), ahead.directory_time(later)), (75_000, at));
        assert_eq!(ahead.own_time(at), later);
        let behind = ClockOffset::between(at, later);
        assert_eq!(behind.to_string(), "75.0 s behind the directory's");
        assert_eq!((behind.millis(), behind.directory_time(at)), (-75_000, later));
        assert_eq!(behind.own_time(later), at);
    }
}
