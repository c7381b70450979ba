//! Metrics of the provider's services.

use std::time::Duration;

use crate::Telemetry;

use super::catalogue::{self, Declaration};
use super::{Counter, Histogram, StreamMetrics};

const METRICS: [&Declaration; 5] = [
    &catalogue::REQUESTS,
    &catalogue::REQUEST_SECONDS,
    &catalogue::MONEROD_SECONDS,
    &catalogue::MONEROD_RETRIES,
    &catalogue::MONEROD_READY,
];

/// What a provider counts besides its packets. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct ProviderMetrics {
    /// One call to monerod.
    pub monerod_seconds: Histogram,
    /// Calls to monerod that were tried again.
    pub monerod_retries: Counter,
    telemetry: Telemetry,
    name: String,
}

impl ProviderMetrics {
    /// The metrics of one provider.
    #[must_use]
    pub fn new(telemetry: &Telemetry, node_name: &str) -> Self {
        let owner = telemetry.families().owner(&[("node", node_name)], &METRICS);
        Self {
            monerod_seconds: owner.histogram(&catalogue::MONEROD_SECONDS, &[]),
            monerod_retries: owner.counter(&catalogue::MONEROD_RETRIES, &[]),
            telemetry: telemetry.clone(),
            name: node_name.to_owned(),
        }
    }

    /// The metrics of its streams.
    #[must_use]
    pub fn streams(&self) -> StreamMetrics {
        StreamMetrics::new(&self.telemetry, &self.name)
    }

    /// Says whether its monerod can take transactions. There is no such metric where there is no
    /// monerod.
    pub fn monerod_ready(&self, ready: bool) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.gauge(&catalogue::MONEROD_READY, &[]).set(ready.into());
    }

    /// Counts an answered request: the service, how it ended, and its time from the request's
    /// last fragment to its answer.
    pub fn request(&self, service: &'static str, outcome: &'static str, took: Duration) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::REQUESTS, &[service, outcome]).inc();
        owner.histogram(&catalogue::REQUEST_SECONDS, &[service]).observe(took);
    }
}
