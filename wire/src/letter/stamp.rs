//! Times in letters.

use std::time::{Duration, SystemTime};

/// The time in milliseconds since 1970.
pub(super) fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time that [`millis`] wrote.
pub(super) fn time(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

/// The minute that a time is in. Clocks differ by milliseconds to seconds, and keep their distance
/// for days: an exact time would show that two letters are from the same machine. It would also
/// tell when a letter was written, which the delays of the mixes hide.
#[must_use]
pub fn whole_minute(at: SystemTime) -> SystemTime {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs() / 60 * 60)
}
