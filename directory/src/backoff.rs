//! How long to wait before the next try.

#![deny(clippy::disallowed_methods)]

use std::time::Duration;

use rand::{Rng, RngExt};

/// Doubles from [`Backoff::FIRST`] to [`Backoff::LAST`]; each wait is a random part of it, at
/// least half, so that those who lost the directory together do not all come back together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    pub(crate) const FIRST: Duration = Duration::from_millis(50);
    pub(crate) const LAST: Duration = Duration::from_secs(5);

    /// The next wait.
    pub(crate) fn next<R: Rng + ?Sized>(&mut self, rng: &mut R) -> Duration {
        let full = Self::FIRST.saturating_mul(1 << self.tries.min(10)).min(Self::LAST);
        self.tries = self.tries.saturating_add(1);
        full.mul_f64(rng.random_range(0.5..=1.0))
    }

    /// It worked: begin anew.
    pub(crate) const fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn waits_grow_to_their_bound_and_begin_anew() {
        let rng = &mut rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let mut backoff = Backoff::default();
        assert!(backoff.next(rng) <= Backoff::FIRST);
        let waits: Vec<_> = (0..100).map(|_| backoff.next(rng)).collect();
        assert!(waits[50..].iter().all(|w| (Backoff::LAST / 2..=Backoff::LAST).contains(w)));
        backoff.reset();
        assert!(backoff.next(rng) <= Backoff::FIRST);
    }
}
