//! The wait between a transaction's arrival at a provider and its submission.

#![deny(clippy::disallowed_methods)]

use std::time::Duration;

use mixbed_wire::message::MAX_HOLD;
use rand::{Rng, RngExt};

/// The longest mean of a random wait: of longer ones too many draws would be cut at
/// [`MAX_HOLD`](mixbed_wire::message::MAX_HOLD), ten minutes, and stand out.
pub const MAX_MEAN_WAIT: Duration = Duration::from_secs(120);

/// Draws a wait: exponential with this mean, so that how long it has lasted says nothing about how
/// long it will; at most ten minutes.
pub(crate) fn draw<R: Rng + ?Sized>(mean: Duration, rng: &mut R) -> Duration {
    let mean = mean.min(MAX_MEAN_WAIT).as_secs_f64();
    let uniform: f64 = rng.random();
    let wait = Duration::try_from_secs_f64(-mean * (1.0 - uniform).ln());
    wait.unwrap_or(MAX_HOLD).min(MAX_HOLD)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    #[test]
    fn waits_have_their_mean_and_an_end() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mean = Duration::from_secs(30);
        let draws: Vec<_> = (0..10_000).map(|_| draw(mean, &mut rng).as_secs_f64()).collect();
        let average = draws.iter().sum::<f64>() / 10_000.0;
        assert!((average - 30.0).abs() < 1.0, "{average}");
        let below = draws.iter().filter(|draw| **draw < 30.0 * 2.0_f64.ln()).count();
        assert!((4800..5200).contains(&below), "half are below ln 2 means: {below}");
        for mean in [Duration::MAX, MAX_MEAN_WAIT] {
            let longest = (0..10_000).map(|_| draw(mean, &mut rng)).max();
            assert_eq!(longest, Some(MAX_HOLD), "some of ten thousand are cut");
        }
        assert_eq!(draw(Duration::ZERO, &mut rng), Duration::ZERO);
    }
}
