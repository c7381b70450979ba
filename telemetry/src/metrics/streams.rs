//! Metrics of a provider's streams.

use crate::Telemetry;

use super::catalogue::{self, Declaration};
use super::{Counter, Gauge};

const METRICS: [&Declaration; 4] = [
    &catalogue::SESSIONS,
    &catalogue::STREAMS,
    &catalogue::STREAMS_ASKED,
    &catalogue::STREAM_BYTES,
];

/// What a provider counts of sessions and streams. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct StreamMetrics {
    /// Sessions that are held.
    pub sessions: Gauge,
    telemetry: Telemetry,
    name: String,
}

/// What is counted of one service's streams.
#[derive(Clone, Debug)]
pub struct ServedMetrics {
    /// Streams that are open.
    pub open: Gauge,
    /// Bytes that came from clients.
    pub from_clients: Counter,
    /// Bytes for clients.
    pub to_clients: Counter,
}

impl StreamMetrics {
    /// The metrics of one provider.
    #[must_use]
    pub fn new(telemetry: &Telemetry, node_name: &str) -> Self {
        let owner = telemetry.families().owner(&[("node", node_name)], &METRICS);
        Self {
            sessions: owner.gauge(&catalogue::SESSIONS, &[]),
            telemetry: telemetry.clone(),
            name: node_name.to_owned(),
        }
    }

    /// Counts a stream that was asked for: by the service, and how that was answered.
    pub fn asked(&self, service: &'static str, outcome: &'static str) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::STREAMS_ASKED, &[service, outcome]).inc();
    }

    /// The metrics of one service.
    #[must_use]
    pub fn served(&self, service: &'static str) -> ServedMetrics {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        ServedMetrics {
            open: owner.gauge(&catalogue::STREAMS, &[service]),
            from_clients: owner.counter(&catalogue::STREAM_BYTES, &[service, "from_clients"]),
            to_clients: owner.counter(&catalogue::STREAM_BYTES, &[service, "to_clients"]),
        }
    }
}
