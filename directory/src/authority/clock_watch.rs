//! Notices that this machine's clock jumped.

#![deny(clippy::disallowed_methods)]

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::limits::TOLERATED_SKEW;

/// Compares two clocks from one look to the next: the one that is set, and one that only runs.
///
/// A machine that slept looks like one whose clock jumped ahead; the clock that only runs stands
/// meanwhile.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    last: Option<(Duration, SystemTime)>,
}

/// By how much a clock was set, beyond what is tolerated anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClockJump {
    pub(super) distance: Duration,
    pub(super) ahead: bool,
}

impl ClockWatch {
    /// `running`: for how long the clock that is never set has been running.
    pub(super) fn observe(&mut self, running: Duration, now: SystemTime) -> Option<ClockJump> {
        let (running_before, before) = self.last.replace((running, now))?;
        let expected = before.checked_add(running.saturating_sub(running_before))?;
        let (distance, ahead) = match now.duration_since(expected) {
            Ok(distance) => (distance, true),
            Err(behind) => (behind.duration(), false),
        };
        (distance > TOLERATED_SKEW).then_some(ClockJump { distance, ahead })
    }
}

impl fmt::Display for ClockJump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.ahead { "ahead" } else { "back" };
        write!(f, "{:.1} s {way}", self.distance.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_millis;

    #[test]
    fn a_clock_that_runs_is_no_news_and_one_that_is_set_is() {
        let second = Duration::from_secs(1);
        let start = from_millis(1_700_000_000_000).unwrap();
        let mut watch = ClockWatch::default();
        let mut saw = |running: u32, shown: u32| {
            watch.observe(running * second, start + shown * second).map(|jump| jump.to_string())
        };
        assert_eq!(saw(0, 3600), None, "the first look");
        assert_eq!(saw(100, 3700), None);
        assert_eq!(saw(101, 3710), None, "within what is tolerated");
        assert_eq!(saw(102, 7311).as_deref(), Some("3600.0 s ahead"));
        assert_eq!(saw(103, 7312), None, "it is said once");
        assert_eq!(saw(104, 3713).as_deref(), Some("3600.0 s back"));
    }
}
