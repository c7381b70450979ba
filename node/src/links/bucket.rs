//! How fast a client may send.
#![deny(clippy::disallowed_methods)]

use std::time::{Duration, Instant};

use mixbed_directory::Rates;

/// A token bucket: fills at a rate up to its size, and each frame takes a token.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    rate: f64,
    size: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// How much faster than the document's rates a client may be. One that keeps to them sends on a
    /// Poisson clock: at a quarter more its backlog falls by a factor of e with every two frames, so
    /// the bucket's size is never used up.
    const SLACK: f64 = 1.25;

    /// A full bucket. `size` is at least one frame.
    pub(super) fn new(rate: f64, size: u32, now: Instant) -> Self {
        let size = f64::from(size.max(1));
        Self { rate, size, tokens: size, at: now }
    }

    /// The rate for a network's clients, in frames a second. While payload waits for no clock, a
    /// client may send `unpaced` frames a second besides.
    pub(super) fn rate(rates: &Rates, unpaced: u32) -> f64 {
        let Rates { payload, drop, client_loop, .. } = rates;
        let unpaced = if *payload > 0.0 { 0.0 } else { f64::from(unpaced) };
        (payload + drop + client_loop) * Self::SLACK + unpaced
    }

    /// From now on it fills at this rate.
    pub(super) fn handle_rate(&mut self, rate: f64, now: Instant) {
        self.fill(now);
        self.rate = rate;
    }

    /// Takes a token; without one, says when there will be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.fill(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - self.tokens) / self.rate.max(f64::MIN_POSITIVE);
        // A little later rather than a little too early; an hour is as good as never.
        let wait = Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX);
        Err(now + wait.min(Duration::from_secs(3600)) + Duration::from_micros(1))
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.size);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a starting point in time, from which the tests count"
)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut now = Instant::now();
        let mut bucket = Bucket::new(10.0, 5, now);
        let start = now;
        for _ in 0..25 {
            while let Err(later) = bucket.take(now) {
                assert!(later > now);
                now = later;
            }
        }
        let took = now - start;
        assert!(
            took > Duration::from_millis(1999) && took < Duration::from_millis(2010),
            "{took:?}"
        );
    }

    #[test]
    fn the_documents_rates_or_a_default() {
        let rates = Rates { payload: 1.0, drop: 2.0, client_loop: 1.0, ..Rates::default() };
        assert!((Bucket::rate(&rates, 500) - 5.0).abs() < 1e-9);
        assert!((Bucket::rate(&Rates::default(), 500) - 500.0).abs() < 1e-9);
        let drops = Rates { drop: 4.0, ..Rates::default() };
        assert!((Bucket::rate(&drops, 500) - 505.0).abs() < 1e-9, "payload leaves at once");
    }

    #[test]
    fn a_client_on_its_clock_never_waits() {
        let now = Instant::now();
        let rates = Rates { payload: 20.0, ..Rates::default() };
        let mut bucket = Bucket::new(Bucket::rate(&rates, 500), 64, now);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut at = now;
        for _ in 0..100_000 {
            at += mixbed_wire::exponential_delay(Duration::from_millis(50), &mut rng);
            assert_eq!(bucket.take(at), Ok(()));
        }
    }

    #[test]
    fn a_rate_of_nothing_lets_nothing_through_and_a_new_one_does() {
        let now = Instant::now();
        let mut bucket = Bucket::new(0.0, 1, now);
        assert_eq!(bucket.take(now), Ok(()));
        assert!(bucket.take(now + Duration::from_secs(1000)).is_err());
        bucket.handle_rate(1.0, now + Duration::from_secs(1000));
        assert_eq!(bucket.take(now + Duration::from_secs(1002)), Ok(()));
    }

    proptest! {
        /// In no span of time more than its size and what the rate gives; and whoever comes when
        /// told to is let through.
        #[test]
        fn never_more_than_the_rate(
            rate in 0.1..1000.0_f64,
            size in 1..100_u32,
            pauses in prop::collection::vec(0..200_u64, 1..400),
        ) {
            let start = Instant::now();
            let mut bucket = Bucket::new(rate, size, start);
            let mut now = start;
            let mut passed = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                match bucket.take(now) {
                    Ok(()) => passed.push(now),
                    Err(later) => {
                        prop_assert!(bucket.clone().take(later).is_ok());
                        now = now.max(start);
                    }
                }
            }
            for (from, first) in passed.iter().enumerate() {
                for (to, last) in passed.iter().enumerate().skip(from) {
                    let most = f64::from(size) + (*last - *first).as_secs_f64() * rate + 1e-6;
                    let count = u32::try_from(to - from + 1).expect("a few hundred");
                    prop_assert!(f64::from(count) <= most + 1.0);
                }
            }
        }
    }
}
