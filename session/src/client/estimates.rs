//! What the client has measured: how late things come, and how many do not.

use std::time::Duration;

/// How much later than drawn something may be before it counts as lost: mean and deviation as in
/// RFC 6298, of the time by which a packet's acknowledgement was made later than the packet was to
/// arrive.
#[derive(Debug)]
pub(super) struct Margin {
    mean: Duration,
    deviation: Duration,
    measured: bool,
    /// What was given up too early came after so long.
    regret: Duration,
}

impl Margin {
    const LEAST: Duration = Duration::from_millis(150);
    const MOST: Duration = Duration::from_secs(4);
    const FIRST: Duration = Duration::from_millis(300);

    pub(super) fn new() -> Self {
        Self {
            mean: Duration::ZERO,
            deviation: Duration::ZERO,
            measured: false,
            regret: Duration::ZERO,
        }
    }

    pub(super) fn sample(&mut self, late: Duration) {
        let late = late.min(Self::MOST);
        if self.measured {
            self.deviation = (self.deviation * 3 + self.mean.abs_diff(late)) / 4;
            self.mean = (self.mean * 7 + late) / 8;
        } else {
            (self.mean, self.deviation, self.measured) = (late, late / 2, true);
        }
        self.regret = self.regret * 63 / 64;
    }

    /// Something was given up and came so late.
    pub(super) fn regret(&mut self, late: Duration) {
        self.regret = self.regret.max(late * 5 / 4).min(Self::MOST);
    }

    pub(super) fn value(&self) -> Duration {
        if !self.measured {
            return Self::FIRST.max(self.regret);
        }
        (self.mean + self.deviation * 4).max(self.regret).clamp(Self::LEAST, Self::MOST)
    }
}

/// A share that changes: of the last 32 or so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    share: f64,
    /// How many were counted, up to 32.
    count: f64,
}

impl Share {
    /// What is believed before anything was counted.
    pub(super) const fn new(share: f64) -> Self {
        Self { share, count: 0.0 }
    }

    pub(super) fn note(&mut self, good: bool) {
        self.count = (self.count + 1.0).min(32.0);
        self.share += (f64::from(u8::from(good)) - self.share) / self.count.max(4.0);
    }

    pub(super) fn value(self) -> f64 {
        self.share.clamp(0.05, 1.0)
    }

    /// The share if a few more had been counted, of which half are good.
    fn doubted(self) -> f64 {
        (self.value() * self.count + 0.5 * 8.0) / (self.count + 8.0)
    }
}

/// How many questions in a row stay without an answer only once in 10,000 times, if of packets and
/// of replies these shares arrive.
pub(super) fn questions(there: Share, back: Share) -> usize {
    let answered = (there.doubted() * back.doubted()).min(0.99);
    let count = (1e-4_f64.ln() / (1.0 - answered).ln()).ceil();
    // Between 5 and 60: it fits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "5 to 60")]
    let count = count.clamp(5.0, 60.0) as usize;
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_follows_what_was_measured() {
        let mut margin = Margin::new();
        assert_eq!(margin.value(), Margin::FIRST);
        for _ in 0..100 {
            margin.sample(Duration::from_millis(5));
        }
        assert_eq!(margin.value(), Margin::LEAST);
        for _ in 0..100 {
            margin.sample(Duration::from_millis(700));
        }
        assert!(margin.value() >= Duration::from_millis(690));
        margin.regret(Duration::from_secs(2));
        assert_eq!(margin.value(), Duration::from_millis(2_500));
        margin.regret(Duration::from_secs(200));
        assert_eq!(margin.value(), Margin::MOST);
    }

    #[test]
    fn questions_grow_with_losses() {
        let counts = [1.0, 0.77, 0.33].map(|share| {
            let share = Share { share, count: 32.0 };
            questions(share, share)
        });
        assert_eq!(counts, [6, 13, 60]);
        assert_eq!(questions(Share::new(0.9), Share::new(0.9)), 33, "nothing is known yet");
    }
}
