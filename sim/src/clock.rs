//! The virtual time, as the cores want it.

use std::time::{Duration, Instant, SystemTime};

use crate::Moment;

/// Where a run begins: the one thing that a caller's clock decides, and nothing follows from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn new(origin: Instant) -> Self {
        Self { origin }
    }

    /// A moment for timers.
    pub(crate) fn instant(self, at: Moment) -> Instant {
        self.origin + Duration::from_nanos(at)
    }

    /// The moment of a timer.
    pub(crate) fn moment(self, at: Instant) -> Moment {
        nanos(at.saturating_duration_since(self.origin))
    }

    /// A moment for documents: runs begin at the same time of the same day.
    pub(crate) fn wall(at: Moment) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000) + Duration::from_nanos(at)
    }

    /// The moment of a document's time. Documents know whole milliseconds.
    pub(crate) fn moment_of(at: SystemTime) -> Moment {
        nanos(at.duration_since(Self::wall(0)).unwrap_or_default())
    }
}

/// A time span in a moment's unit.
pub(crate) fn nanos(span: Duration) -> Moment {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
