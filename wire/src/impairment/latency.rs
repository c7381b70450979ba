//! How much longer a packet takes.

use std::time::Duration;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{Impairment, ImpairmentError};
use crate::exponential_delay;

/// How the latency that is added to a link is distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latency {
    /// There is none.
    #[default]
    None,
    /// The same for each packet.
    Constant(Duration),
    /// Normally distributed, cut at 0 and at [`Impairment::MAX_LATENCY`]. With a deviation of more
    /// than a third of the mean the cut is felt: what is drawn is longer than `mean` on average.
    Normal {
        /// The mean.
        mean: Duration,
        /// The standard deviation.
        deviation: Duration,
    },
    /// Exponentially distributed, cut at [`Impairment::MAX_LATENCY`].
    Exponential {
        /// The mean.
        mean: Duration,
    },
}

impl Latency {
    /// One packet's latency.
    pub fn draw<R: Rng + ?Sized>(self, rng: &mut R) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Constant(latency) => latency.min(Impairment::MAX_LATENCY),
            Self::Normal { mean, deviation } => {
                let factor: f64 = StandardNormal.sample(rng);
                let seconds = deviation.as_secs_f64().mul_add(factor, mean.as_secs_f64());
                Duration::try_from_secs_f64(seconds.max(0.0))
                    .unwrap_or(Impairment::MAX_LATENCY)
                    .min(Impairment::MAX_LATENCY)
            }
            Self::Exponential { mean } => exponential_delay(mean, rng),
        }
    }

    pub(super) fn validate(self) -> Result<(), ImpairmentError> {
        let longest = match self {
            Self::None => Duration::ZERO,
            Self::Constant(latency) => latency,
            Self::Normal { mean, deviation } => mean.max(deviation),
            Self::Exponential { mean } => mean,
        };
        if longest > Impairment::MAX_LATENCY {
            return Err(ImpairmentError::Latency(longest));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    const COUNT: u32 = 20_000;
    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Mean and standard deviation of many draws, in milliseconds.
    fn moments(latency: Latency) -> (f64, f64) {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let draws: Vec<f64> =
            (0..COUNT).map(|_| latency.draw(&mut rng).as_secs_f64() * 1e3).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(COUNT);
        let squares = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>();
        (mean, (squares / f64::from(COUNT)).sqrt())
    }

    fn is_near((mean, deviation): (f64, f64), expected: (f64, f64)) -> bool {
        // Four standard errors; a deviation's own is at most that of an exponential's, σ·√(2/n).
        let error = 4.0 * expected.1 / f64::from(COUNT).sqrt();
        (mean - expected.0).abs() <= error && (deviation - expected.1).abs() <= 1.5 * error
    }

    #[test]
    fn draws_have_the_moments_they_should() {
        assert_eq!(moments(Latency::None), (0.0, 0.0));
        let (mean, deviation) = moments(Latency::Constant(MS(20)));
        assert!((mean - 20.0).abs() < 1e-6 && deviation < 1e-6, "{mean} {deviation}");
        let normal = Latency::Normal { mean: MS(20), deviation: MS(5) };
        assert!(is_near(moments(normal), (20.0, 5.0)), "{:?}", moments(normal));
        let exponential = Latency::Exponential { mean: MS(20) };
        assert!(is_near(moments(exponential), (20.0, 20.0)), "{:?}", moments(exponential));
    }

    #[test]
    fn a_normal_latency_is_symmetric_about_its_mean_and_cut_at_zero() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut share = |latency: Latency, below: Duration| {
            let count = (0..COUNT).filter(|_| latency.draw(&mut rng) <= below).count();
            f64::from(u32::try_from(count).unwrap()) / f64::from(COUNT)
        };
        let normal = Latency::Normal { mean: MS(20), deviation: MS(5) };
        // The normal distribution's shares below its mean, and one deviation above it.
        assert!((share(normal, MS(20)) - 0.5).abs() < 0.015);
        assert!((share(normal, MS(25)) - 0.8413).abs() < 0.011);
        let wide = Latency::Normal { mean: Duration::ZERO, deviation: MS(5) };
        assert!((share(wide, Duration::ZERO) - 0.5).abs() < 0.015);
    }

    #[test]
    fn nothing_is_longer_than_the_bound() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        for latency in [
            Latency::Constant(Duration::MAX),
            Latency::Normal { mean: Duration::MAX, deviation: Duration::MAX },
            Latency::Exponential { mean: Duration::MAX },
        ] {
            assert!(latency.draw(&mut rng) <= Impairment::MAX_LATENCY);
        }
    }
}
