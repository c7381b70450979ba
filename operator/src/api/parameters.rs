//! The traffic parameters of a Mixnet, as its spec has them.

use mixbed_directory::ImpairmentRule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Impairment, Period};

/// How the whole network sends. Changes reach every node and client within a moment, without a
/// restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Parameters {
    /// Mean of the delay that senders draw for each hop, at most 60s. Longer hides better and
    /// takes longer: there are five hops there and five back.
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^([0-9]{1,9}(us|ms|s|m|h))+$') && duration(self) <= duration('60s')", "message": "meanHopDelay is at most 60s, as five such hops are longer than any deadline, and written like 50ms or 2s"}
]))]
    pub mean_hop_delay: Period,
    /// How long an epoch lasts, 1s to 24h. Nodes change their keys with each.
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^([0-9]{1,9}(us|ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('24h')", "message": "epochLength is between 1s and 24h, written like 50ms, 2s or 1m30s"}
]))]
    pub epoch_length: Period,
    /// Whether senders may have their packets traced: whoever collects the spans then sees their
    /// whole way.
    pub tracing_allowed: bool,
    /// How much traffic is sent, needed or not. All are 0, off, unless named.
    pub rates: Rates,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            mean_hop_delay: Period::from_millis(50),
            epoch_length: Period::from_secs(600),
            tracing_allowed: true,
            rates: Rates::default(),
        }
    }
}

/// Rates of cover traffic, in packets a second; 0 is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Rates {
    /// Packets that a client sends on a clock: something to say, or a drop.
    #[schemars(range(min = 0, max = 10_000))]
    pub payload: f64,
    /// Drops that a client sends besides.
    #[schemars(range(min = 0, max = 10_000))]
    pub drop: f64,
    /// Loops that a client sends to itself.
    #[schemars(range(min = 0, max = 10_000))]
    pub client_loop: f64,
    /// Loops that each gateway and mix sends to itself.
    #[schemars(range(min = 0, max = 10_000))]
    pub node_loop: f64,
    /// Frames on each gateway's link down to each client: a packet, or a dummy.
    #[schemars(range(min = 0, max = 10_000))]
    pub downlink: f64,
}

/// Parameters that no network can have.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ParametersError {
    /// A rule, by its number from 1.
    #[error("impairments: rule {number}: {what}")]
    Impairment {
        /// Which rule.
        number: usize,
        /// What is wrong with it.
        what: String,
    },
    /// One of the others.
    #[error("parameters: {0}")]
    Parameters(#[from] mixbed_directory::document::ParametersError),
}

impl Parameters {
    /// As the network's document has them.
    pub fn in_document(
        &self,
        impairments: &[Impairment],
    ) -> Result<mixbed_directory::Parameters, ParametersError> {
        let rule = |(number, rule): (usize, &Impairment)| {
            ImpairmentRule::try_from(rule)
                .map_err(|what| ParametersError::Impairment { number, what })
        };
        let Self { mean_hop_delay, epoch_length, tracing_allowed, rates } = self;
        let Rates { payload, drop, client_loop, node_loop, downlink } = *rates;
        let parameters = mixbed_directory::Parameters {
            mean_hop_delay: mean_hop_delay.0,
            epoch_length: epoch_length.0,
            tracing_allowed: *tracing_allowed,
            rates: mixbed_directory::Rates { payload, drop, client_loop, node_loop, downlink },
            impairments: (1..).zip(impairments).map(rule).collect::<Result<_, _>>()?,
        };
        parameters.validate()?;
        Ok(parameters)
    }
}
