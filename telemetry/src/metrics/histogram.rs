//! A histogram of durations.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// How many bounds there are. A number of its own: as `BOUNDS.len()` in a field's type, optimised
/// builds take it for a cycle (E0391, rustc 1.95).
const COUNT: usize = 22;

/// Upper bounds: from 10 µs, where a queue's wait begins, to 2 minutes, where deadlines end.
const BOUNDS: [Duration; COUNT] = {
    const fn us(n: u64) -> Duration {
        Duration::from_micros(n)
    }
    [
        us(10),
        us(25),
        us(50),
        us(100),
        us(250),
        us(500),
        us(1_000),
        us(2_500),
        us(5_000),
        us(10_000),
        us(25_000),
        us(50_000),
        us(100_000),
        us(250_000),
        us(500_000),
        us(1_000_000),
        us(2_500_000),
        us(5_000_000),
        us(10_000_000),
        us(30_000_000),
        us(60_000_000),
        us(120_000_000),
    ]
};

/// A histogram of durations. Clones count together. Two atomic additions an observation; the
/// library's own takes a lock, which all workers would share.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// One for each bound, and one for what is beyond the last.
    buckets: [AtomicU64; COUNT + 1],
    /// Wraps after 584 years of observed time.
    sum_ns: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < duration);
        if let Some(bucket) = self.inner.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.inner.sum_ns.fetch_add(ns, Relaxed);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.inner.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    /// Their sum.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.inner.sum_ns.load(Relaxed))
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        let bounds = BOUNDS.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let counts = self.inner.buckets.iter().map(|bucket| bucket.load(Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(self.sum().as_secs_f64(), count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let histogram = Histogram::default();
        let at = |index: usize| histogram.inner.buckets[index].load(Relaxed);
        histogram.observe(Duration::ZERO);
        histogram.observe(Duration::from_micros(10));
        histogram.observe(Duration::from_nanos(10_001));
        histogram.observe(Duration::from_secs(120));
        histogram.observe(Duration::from_secs(121));
        histogram.observe(Duration::MAX);
        assert_eq!((at(0), at(1), at(21), at(22)), (2, 1, 1, 2));
        assert_eq!(histogram.count(), 6);
    }

    #[test]
    fn sums_what_it_saw() {
        let histogram = Histogram::default();
        histogram.clone().observe(Duration::from_millis(2));
        histogram.observe(Duration::from_millis(3));
        assert_eq!(histogram.sum(), Duration::from_millis(5));
    }
}
