//! The clock on which cover traffic goes out.
#![deny(clippy::disallowed_methods)]

use std::time::{Duration, Instant};

use rand::Rng;
use rand_distr::{Distribution, Exp1};

/// A clock that ticks as a Poisson process: the gaps between its ticks are independent exponential
/// draws, so a tick says nothing about the one before or about what there was to send (Loopix,
/// section 4.1).
///
/// Poll it: [`poll_due`](Self::poll_due) until `false`, then wait until
/// [`next_due`](Self::next_due).
#[derive(Clone, Copy, Debug, Default)]
pub struct PoissonClock {
    rate: f64,
    due: Option<Instant>,
}

impl PoissonClock {
    /// How far the ticks may lag behind. A shell that wakes up late finds its ticks waiting, so
    /// the rate holds; after a longer stop (a laptop that slept) it does not flood the network.
    pub const MAX_LAG: Duration = Duration::from_secs(1);

    /// The longest gap. Only rates of a few ticks a day or less ever come near it.
    pub const MAX_GAP: Duration = Duration::from_secs(24 * 60 * 60);

    /// A clock with `rate` ticks a second; 0, and what is no rate, is off.
    #[must_use]
    pub fn new<R: Rng + ?Sized>(rate: f64, now: Instant, rng: &mut R) -> Self {
        let mut clock = Self::default();
        clock.handle_rate(rate, now, rng);
        clock
    }

    /// Ticks a second; 0 is off.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether it ever ticks.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.due.is_some()
    }

    /// From now on it ticks at this rate. The same rate again changes nothing; another draws the
    /// next tick anew, which the process, having no memory, does not notice.
    pub fn handle_rate<R: Rng + ?Sized>(&mut self, rate: f64, now: Instant, rng: &mut R) {
        let rate = if rate.is_finite() && rate > 0.0 { rate } else { 0.0 };
        if rate.to_bits() == self.rate.to_bits() {
            return;
        }
        self.rate = rate;
        self.due = self.draw(now, rng);
    }

    /// When it ticks next; `None` if it is off.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a tick is due; each tick is told once.
    ///
    /// The next gap counts from the tick, not from `now`: a late poll does not slow the clock.
    pub fn poll_due<R: Rng + ?Sized>(&mut self, now: Instant, rng: &mut R) -> bool {
        let Some(due) = self.due.filter(|due| *due <= now) else { return false };
        let from = if now - due > Self::MAX_LAG { now } else { due };
        self.due = self.draw(from, rng);
        true
    }

    fn draw<R: Rng + ?Sized>(&self, from: Instant, rng: &mut R) -> Option<Instant> {
        if self.rate == 0.0 {
            return None;
        }
        let gap: f64 = Exp1.sample(rng);
        let gap = Duration::try_from_secs_f64(gap / self.rate).unwrap_or(Self::MAX_GAP);
        from.checked_add(gap.min(Self::MAX_GAP))
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

    fn ticks(clock: &mut PoissonClock, now: Instant, rng: &mut ChaCha20Rng) -> usize {
        std::iter::repeat_with(|| clock.poll_due(now, rng)).take_while(|due| *due).count()
    }

    /// Kolmogorov-Smirnov's distance of the gaps (seconds) from the exponential distribution.
    fn distance(mut gaps: Vec<f64>, rate: f64) -> f64 {
        gaps.sort_by(f64::total_cmp);
        let step = 1.0 / f64::from(u32::try_from(gaps.len()).unwrap());
        let mut rank = 0.0;
        gaps.iter().fold(0.0_f64, |worst, gap| {
            let expected = 1.0 - (-gap * rate).exp();
            let below = (expected - rank).abs();
            rank += step;
            worst.max(below).max((expected - rank).abs())
        })
    }

    /// 1 % bound of the test above.
    fn bound(count: u32) -> f64 {
        1.63 / f64::from(count).sqrt()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn gaps_are_exponential_however_late_the_polls(
            seed: u64, rate in 0.5_f64..5_000.0, polls in 1_u64..50,
        ) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let start = Instant::now();
            let mut clock = PoissonClock::new(rate, start, &mut rng);
            let (mut gaps, mut last, mut now) = (Vec::new(), start, start);
            while gaps.len() < 2_000 {
                now += Duration::from_millis(polls);
                while let Some(due) = clock.next_due().filter(|due| *due <= now) {
                    prop_assert!(clock.poll_due(now, &mut rng));
                    gaps.push((due - last).as_secs_f64());
                    last = due;
                }
                prop_assert!(!clock.poll_due(now, &mut rng), "each tick once");
            }
            // Twenty runs: twice the bound of one, or the test fails by chance.
            let count = u32::try_from(gaps.len()).unwrap();
            prop_assert!(distance(gaps, rate) < 1.5 * bound(count));
        }

        #[test]
        fn any_rate_at_any_time_is_taken(seed: u64, rates: Vec<f64>) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut now = Instant::now();
            let mut clock = PoissonClock::default();
            for rate in rates {
                clock.handle_rate(rate, now, &mut rng);
                prop_assert_eq!(clock.is_on(), clock.rate() > 0.0);
                now += Duration::from_millis(1);
                clock.poll_due(now, &mut rng);
            }
        }
    }

    #[test]
    fn gaps_between_ticks_as_polled_are_exponential_and_independent() {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let start = Instant::now();
        let mut clock = PoissonClock::new(100.0, start, &mut rng);
        let (mut gaps, mut last) = (Vec::new(), start);
        for _ in 0..20_000 {
            let due = clock.next_due().unwrap();
            assert!(clock.poll_due(due, &mut rng));
            gaps.push((due - last).as_secs_f64());
            last = due;
        }
        let mean = gaps.iter().sum::<f64>() / 20_000.0;
        let covariance =
            gaps.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>() / 19_999.0;
        // Three standard deviations: the variance of a gap is its mean's square.
        assert!((covariance / mean.powi(2)).abs() < 3.0 / 20_000_f64.sqrt(), "{covariance}");
        assert!(distance(gaps, 100.0) < bound(20_000));
    }

    #[test]
    fn a_new_rate_takes_effect_at_once_and_the_old_one_again_changes_nothing() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let start = Instant::now();
        // A tick an hour, then a thousand a second.
        let mut clock = PoissonClock::new(1.0 / 3600.0, start, &mut rng);
        let due = clock.next_due();
        clock.handle_rate(1.0 / 3600.0, start, &mut rng);
        assert_eq!(clock.next_due(), due);
        clock.handle_rate(1000.0, start, &mut rng);
        let count = ticks(&mut clock, start + Duration::from_secs(1), &mut rng);
        assert!((900..1100).contains(&count), "{count}");
        clock.handle_rate(0.0, start, &mut rng);
        assert!(!clock.is_on());
        assert_eq!(ticks(&mut clock, start + Duration::from_secs(9), &mut rng), 0);
    }

    #[test]
    fn after_a_long_stop_there_is_no_flood() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let start = Instant::now();
        let mut clock = PoissonClock::new(100.0, start, &mut rng);
        assert_eq!(ticks(&mut clock, start + Duration::from_secs(3600), &mut rng), 1);
    }

    #[test]
    fn what_is_no_rate_is_off() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for rate in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!PoissonClock::new(rate, Instant::now(), &mut rng).is_on(), "{rate}");
        }
    }
}
