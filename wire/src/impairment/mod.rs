//! What a link is made to suffer: latency, jitter, loss, little bandwidth, or being cut.
#![deny(clippy::disallowed_methods)]

mod error;
mod latency;
mod queue;

use std::time::Duration;

pub use error::ImpairmentError;
pub use latency::Latency;
pub use queue::Impaired;
use rand::{Rng, RngExt};

/// What happens to everything that goes over a link, whatever kind it is of.
///
/// Several at a time add up as links in a row would: see [`Impaired`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impairment {
    /// How much longer everything takes. Mean and deviation up to [`MAX_LATENCY`](Self::MAX_LATENCY).
    pub latency: Latency,
    /// A part of the latency that differs from packet to packet: uniform from 0 to this, up to
    /// [`MAX_LATENCY`](Self::MAX_LATENCY).
    pub jitter: Duration,
    /// The share of packets that are lost, each independently: 0 to 1.
    pub loss: f64,
    /// Bytes a second that pass, within [`MIN_BANDWIDTH`](Self::MIN_BANDWIDTH) and
    /// [`MAX_BANDWIDTH`](Self::MAX_BANDWIDTH). `None`: as many as come.
    pub bandwidth: Option<u64>,
    /// Nothing passes. The link itself stays up: what it is given is lost.
    pub partition: bool,
}

impl Impairment {
    /// The longest latency and jitter: as long as a mix may hold a packet.
    pub const MAX_LATENCY: Duration = crate::MAX_DELAY;
    /// The narrowest link, in bytes a second: a frame takes it three seconds.
    pub const MIN_BANDWIDTH: u64 = 1_000;
    /// The widest link, in bytes a second: wider than any that it could slow down.
    pub const MAX_BANDWIDTH: u64 = 1_000_000_000_000;

    /// A link that is cut.
    pub const PARTITION: Self = Self { partition: true, ..Self::NONE };

    /// A link that is as it is.
    pub const NONE: Self = Self {
        latency: Latency::None,
        jitter: Duration::ZERO,
        loss: 0.0,
        bandwidth: None,
        partition: false,
    };

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Whether every value is in its range.
    pub fn validate(&self) -> Result<(), ImpairmentError> {
        let Self { latency, jitter, loss, bandwidth, partition: _ } = *self;
        latency.validate()?;
        if jitter > Self::MAX_LATENCY {
            return Err(ImpairmentError::Jitter(jitter));
        }
        // A comparison with NaN is false, so NaN is refused here too.
        if !(0.0..=1.0).contains(&loss) {
            return Err(ImpairmentError::Loss { percent: loss * 100.0 });
        }
        match bandwidth {
            Some(bytes) if !(Self::MIN_BANDWIDTH..=Self::MAX_BANDWIDTH).contains(&bytes) => {
                Err(ImpairmentError::Bandwidth(bytes))
            }
            _ => Ok(()),
        }
    }

    /// Whether it takes one packet, which is drawn.
    pub fn takes<R: Rng + ?Sized>(&self, rng: &mut R) -> bool {
        self.partition || (self.loss > 0.0 && rng.random::<f64>() < self.loss)
    }

    /// One packet's latency and jitter, which are drawn.
    pub fn delay<R: Rng + ?Sized>(&self, rng: &mut R) -> Duration {
        let jitter = if self.jitter.is_zero() {
            Duration::ZERO
        } else {
            rng.random_range(Duration::ZERO..=self.jitter.min(Self::MAX_LATENCY))
        };
        self.latency.draw(rng) + jitter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named() {
        let refused = |impairment: Impairment| impairment.validate().unwrap_err().to_string();
        let none = Impairment::default();
        assert!(none.is_none());
        assert_eq!(none.validate(), Ok(()));
        for (loss, told) in [(1.2, "not 120 %"), (-0.5, "not -50 %"), (f64::NAN, "not NaN %")] {
            assert!(refused(Impairment { loss, ..none }).ends_with(told), "{loss}");
        }
        for bytes in [0, 999, u64::MAX] {
            let told = refused(Impairment { bandwidth: Some(bytes), ..none });
            assert!(told.contains("bandwidth"), "{told}");
        }
        let long = Duration::from_secs(61);
        assert!(refused(Impairment { jitter: long, ..none }).contains("jitter"));
        for latency in [
            Latency::Constant(long),
            Latency::Exponential { mean: long },
            Latency::Normal { mean: long, deviation: Duration::ZERO },
            Latency::Normal { mean: Duration::ZERO, deviation: long },
        ] {
            assert!(refused(Impairment { latency, ..none }).contains("latency"), "{latency:?}");
        }
    }
}
