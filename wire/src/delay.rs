//! How long each hop holds a packet.

use std::time::Duration;

use rand::Rng;
use rand_distr::{Distribution, Exp1};

/// The longest delay a node grants. A sender draws from an exponential distribution with a mean of
/// at most a few seconds, so more than this is no draw but an attempt to fill the node's memory.
pub const MAX_DELAY: Duration = Duration::from_secs(60);

/// Draws one hop's delay: exponential with this mean, so that what leaves a mix says nothing about
/// the order in which it came (Loopix, section 4.2). Cut at [`MAX_DELAY`].
pub fn exponential_delay<R: Rng + ?Sized>(mean: Duration, rng: &mut R) -> Duration {
    let factor: f64 = Exp1.sample(rng);
    Duration::try_from_secs_f64(mean.as_secs_f64() * factor).unwrap_or(MAX_DELAY).min(MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    #[test]
    fn draws_are_exponential() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mean = Duration::from_millis(50);
        let mut draws: Vec<f64> =
            (0..10_000).map(|_| exponential_delay(mean, &mut rng).as_secs_f64()).collect();
        draws.sort_by(f64::total_cmp);
        // Kolmogorov-Smirnov against the exponential distribution; 1.63 / √n is the 1 % bound.
        let n = 10_000_f64;
        let mut rank = 0.0;
        let distance = draws.iter().fold(0.0_f64, |worst, draw| {
            rank += 1.0;
            let expected = 1.0 - (-draw / mean.as_secs_f64()).exp();
            worst.max((expected - rank / n).abs())
        });
        assert!(distance < 1.63 / n.sqrt(), "distance {distance}");
    }

    #[test]
    fn no_mean_is_no_delay_and_a_huge_one_is_cut() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        assert_eq!(exponential_delay(Duration::ZERO, &mut rng), Duration::ZERO);
        assert_eq!(exponential_delay(Duration::MAX, &mut rng), MAX_DELAY);
    }
}
