//! Times in documents and messages are whole milliseconds since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the year 9999: later times are mistakes, and sums with them could overflow.
const MAX_MILLIS: u64 = 253_402_300_799_999;

/// Milliseconds since the Unix epoch; a time before it counts as the epoch itself.
pub(crate) fn to_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(MAX_MILLIS).min(MAX_MILLIS)
}

/// The time of a number of milliseconds, or nothing if it is after the year 9999.
pub(crate) fn from_millis(millis: u64) -> Option<SystemTime> {
    (millis <= MAX_MILLIS).then(|| UNIX_EPOCH + Duration::from_millis(millis))
}

/// The same time without what is finer than a millisecond, within what documents can say.
pub(crate) fn whole_millis(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(to_millis(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let time = from_millis(1_700_000_000_123).unwrap();
        assert_eq!(to_millis(time), 1_700_000_000_123);
        assert_eq!(whole_millis(time + Duration::from_nanos(999)), time);
    }

    #[test]
    fn times_beyond_reason_are_refused_or_clamped() {
        assert_eq!(from_millis(u64::MAX), None);
        assert_eq!(to_millis(UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(to_millis(UNIX_EPOCH + Duration::from_secs(u64::MAX >> 2)), MAX_MILLIS);
    }
}
