//! The traffic parameters that everyone in the network follows.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::impairment::{ImpairmentRule, RulesError, validate_rules};

/// Parameters of the network, the same for all its nodes and clients, set at the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// Mean of the exponential delay that a sender draws for each hop. Longer hides better and
    /// takes longer: five hops there and five back. Up to 60 s, in whole microseconds.
    /// Default 50 ms.
    #[serde(with = "humantime_serde")]
    pub mean_hop_delay: Duration,
    /// Whether senders may ask for their packets to be traced. A traced packet hides nothing from
    /// whoever collects the spans. Default false.
    pub tracing_allowed: bool,
    /// How long an epoch lasts. 1 s to 24 h, in whole milliseconds. Default 10 min.
    #[serde(with = "humantime_serde")]
    pub epoch_length: Duration,
    /// How much traffic is sent, needed or not.
    pub rates: Rates,
    /// What links are made to suffer on purpose, at most 64 rules. Default none.
    pub impairments: Vec<ImpairmentRule>,
}

impl Parameters {
    /// The longest mean delay: five such hops are longer than any deadline.
    pub const MAX_MEAN_HOP_DELAY: Duration = Duration::from_secs(60);
    /// The shortest epoch: a document has to reach everyone well within it.
    pub const MIN_EPOCH_LENGTH: Duration = Duration::from_secs(1);
    /// The longest epoch: packet keys live about two.
    pub const MAX_EPOCH_LENGTH: Duration = Duration::from_secs(24 * 60 * 60);

    /// Whether every value is in its range.
    pub fn validate(&self) -> Result<(), ParametersError> {
        if self.mean_hop_delay > Self::MAX_MEAN_HOP_DELAY
            || !self.mean_hop_delay.subsec_nanos().is_multiple_of(1_000)
        {
            return Err(ParametersError::MeanHopDelay(self.mean_hop_delay));
        }
        if !(Self::MIN_EPOCH_LENGTH..=Self::MAX_EPOCH_LENGTH).contains(&self.epoch_length)
            || !self.epoch_length.subsec_nanos().is_multiple_of(1_000_000)
        {
            return Err(ParametersError::EpochLength(self.epoch_length));
        }
        self.rates.validate()?;
        Ok(validate_rules(&self.impairments)?)
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            mean_hop_delay: Duration::from_millis(50),
            tracing_allowed: false,
            epoch_length: Duration::from_secs(600),
            rates: Rates::default(),
            impairments: Vec::new(),
        }
    }
}

/// Rates of the Poisson processes that send packets, each in packets a second, 0 to 10,000.
///
/// 0 is off, and all are off by default. They hold for the whole network, and a change of them
/// reaches everyone with the next document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// A client's payload packets: something to say, or a drop when there is nothing. Drops are
    /// answered as everything else is.
    pub payload: f64,
    /// A client's drops besides, each to a random provider.
    pub drop: f64,
    /// A client's loops to itself.
    pub client_loop: f64,
    /// Loops that each mix and gateway sends to itself.
    pub node_loop: f64,
    /// Frames on a gateway's link down to each client: a packet for it, or a dummy when there is
    /// none. It bounds what a client receives, the answers to its drops and loops included, so it has to
    /// be higher than the rates of these and of payload together. 0: each packet at once.
    pub downlink: f64,
}

impl Rates {
    /// The highest rate: more than one sender fills a core.
    pub const MAX: f64 = 10_000.0;

    /// Cover behind which a wallet can be used, and that a laptop carries: a packet waits 33 ms for
    /// its tick on average and its answer another 10 ms, a tenth of what nine hops hold them. With
    /// nine nodes and a client some 340 unwrappings and 76 headers made a second, a fifth of a core; what
    /// takes packets is named within a minute (docs/cover.md).
    pub const COVER: Self =
        Self { payload: 30.0, drop: 1.0, client_loop: 2.0, node_loop: 1.0, downlink: 100.0 };

    fn validate(&self) -> Result<(), ParametersError> {
        let Self { payload, drop, client_loop, node_loop, downlink } = *self;
        let named = [
            ("payload", payload),
            ("drop", drop),
            ("client_loop", client_loop),
            ("node_loop", node_loop),
            ("downlink", downlink),
        ];
        // A comparison with NaN is false, so NaN is refused here too.
        match named.into_iter().find(|(_, rate)| !(0.0..=Self::MAX).contains(rate)) {
            Some((name, rate)) => Err(ParametersError::Rate { name, rate }),
            None => Ok(()),
        }
    }
}

/// A value out of its range.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ParametersError {
    /// See [`Parameters::mean_hop_delay`].
    #[error("the mean delay of a hop is at most 60 s, in whole microseconds, not {0:?}")]
    MeanHopDelay(Duration),
    /// See [`Parameters::epoch_length`].
    #[error("an epoch's length is 1 s to 24 h, in whole milliseconds, not {0:?}")]
    EpochLength(Duration),
    /// See [`Rates`].
    #[error("the rate {name} is 0 to 10,000 packets a second, not {rate}")]
    Rate {
        /// Which rate.
        name: &'static str,
        /// Its refused value.
        rate: f64,
    },
    /// See [`Parameters::impairments`].
    #[error("impairments: {0}")]
    Impairments(#[from] RulesError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        assert_eq!(Parameters::default().validate(), Ok(()));
    }

    #[test]
    fn values_out_of_range_are_named() {
        let good = Parameters::default();
        let refused = |parameters: Parameters| parameters.validate().unwrap_err().to_string();
        let long = Parameters { mean_hop_delay: Duration::from_secs(61), ..good.clone() };
        assert!(refused(long).contains("mean delay"));
        let fine = Parameters { mean_hop_delay: Duration::from_nanos(1), ..good.clone() };
        assert!(refused(fine).contains("mean delay"));
        let short = Parameters { epoch_length: Duration::from_millis(999), ..good.clone() };
        assert!(refused(short).contains("epoch"));
        for rate in [-1.0, f64::NAN, f64::INFINITY, 10_001.0] {
            let rates = Rates { node_loop: rate, ..Rates::default() };
            assert!(refused(Parameters { rates, ..good.clone() }).contains("node_loop"), "{rate}");
            let rates = Rates { downlink: rate, ..Rates::default() };
            assert!(refused(Parameters { rates, ..good.clone() }).contains("downlink"), "{rate}");
        }
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let good: Parameters =
            serde_json::from_str(r#"{"mean_hop_delay": "20ms", "rates": {"drop": 2}}"#).unwrap();
        assert_eq!(good.mean_hop_delay, Duration::from_millis(20));
        assert!(serde_json::from_str::<Parameters>(r#"{"mean_hop_dleay": "20ms"}"#).is_err());
    }
}
