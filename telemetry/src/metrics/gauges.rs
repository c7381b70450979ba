//! A gauge that ages by itself.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;

/// Seconds since something last happened, as of when it is read: true also while nothing happens.
#[derive(Clone, Debug, Default)]
pub struct Age {
    /// Nanoseconds since 1970 (enough until 2554); 0: it never happened.
    last_ns: Arc<AtomicU64>,
}

impl Age {
    /// It happened at this time.
    pub fn happened(&self, at: SystemTime) {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.last_ns.store(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Time since; `None` if it never happened, zero if the clock was set back.
    #[must_use]
    pub fn at(&self, now: SystemTime) -> Option<Duration> {
        let last = Duration::from_nanos(self.last_ns.load(Relaxed));
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (!last.is_zero()).then(|| now.saturating_sub(last))
    }
}

impl EncodeMetric for Age {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        let age = self.at(SystemTime::now()).map_or(f64::NAN, |age| age.as_secs_f64());
        encoder.encode_gauge(&age)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_the_last_time() {
        let age = Age::default();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert_eq!(age.at(start), None);
        age.happened(start);
        assert_eq!(age.at(start + Duration::from_secs(7)), Some(Duration::from_secs(7)));
        assert_eq!(age.at(start - Duration::from_secs(7)), Some(Duration::ZERO));
    }
}
