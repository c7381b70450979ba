//! How much later than its mixing delays an answer may be.

use std::time::Duration;

/// The time that an answer takes beyond the delays that its sender drew, as measured: links,
/// queues, the service itself. After RFC 6298, with its initial second.
///
/// Every packet brings its own reply block, so it is always known which one was answered: unlike
/// TCP's, samples of packets that were sent again are good ones.
#[derive(Clone, Debug, Default)]
pub struct Margin {
    measured: Option<Measured>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    mean: Duration,
    deviation: Duration,
}

impl Margin {
    /// Before anything was measured.
    pub const INITIAL: Duration = Duration::from_secs(1);

    /// The least: what a service may take without being asked again.
    pub const LEAST: Duration = Duration::from_millis(500);

    /// The most, backed off or not: beyond it waiting helps less than another route.
    pub const MOST: Duration = Duration::from_secs(8);

    /// Takes one answer's time beyond its delays. Answers that came after the packet was given up
    /// are none: what took so long was mostly waiting for something else.
    pub fn handle_sample(&mut self, overhead: Duration) {
        self.measured = Some(match self.measured {
            None => Measured { mean: overhead, deviation: overhead / 2 },
            Some(Measured { mean, deviation }) => Measured {
                deviation: (deviation * 3 + mean.abs_diff(overhead)) / 4,
                mean: (mean * 7 + overhead) / 8,
            },
        });
    }

    /// The mean of the measured times, if there are any.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.measured.map(|measured| measured.mean)
    }

    /// The margin for the attempt with this number, counted from 1: twice as much from the second
    /// on. No more: a loss says that a node on the route is dead or a link loses packets, which
    /// another route gets round; it does not say that the network is full, as it does to TCP.
    #[must_use]
    pub fn of_attempt(&self, attempt: u32) -> Duration {
        let base = match self.measured {
            None => Self::INITIAL,
            Some(Measured { mean, deviation }) => (mean + deviation * 4).max(Self::LEAST),
        };
        let factor = if attempt > 1 { 2 } else { 1 };
        base.saturating_mul(factor).min(Self::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn it_starts_with_a_second_and_follows_what_is_measured() {
        let mut margin = Margin::default();
        assert_eq!(margin.of_attempt(1), Margin::INITIAL);
        margin.handle_sample(400 * MS);
        assert_eq!(margin.of_attempt(1), 1200 * MS, "mean and four deviations of half of it");
        for _ in 0..100 {
            margin.handle_sample(20 * MS);
        }
        assert!(margin.mean().expect("measured") < 21 * MS);
        assert_eq!(margin.of_attempt(1), Margin::LEAST);
    }

    #[test]
    fn further_attempts_wait_twice_as_long_and_never_beyond_the_bound() {
        let mut margin = Margin::default();
        assert_eq!(margin.of_attempt(2), 2 * Margin::INITIAL);
        assert_eq!(margin.of_attempt(u32::MAX), 2 * Margin::INITIAL);
        margin.handle_sample(60_000 * MS);
        assert_eq!(margin.of_attempt(2), Margin::MOST);
    }
}
