//! Metrics of a node's loops: packets that it sends to itself through the net.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::Telemetry;

use super::Histogram;
use super::catalogue::{self, Declaration};

const METRICS: [&Declaration; 4] = [
    &catalogue::LOOPS_SENT,
    &catalogue::LOOPS_RETURNED,
    &catalogue::LOOPS_LOST,
    &catalogue::LOOP_SECONDS,
];

/// What is counted of one node's loops. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct LoopMetrics {
    /// From a loop's sending until it was back.
    pub loop_seconds: Histogram,
    telemetry: Telemetry,
    name: String,
    role: String,
    /// Whom they name.
    pub suspect: SuspectMetric,
}

impl LoopMetrics {
    /// The metrics of one node's loops. A node that starts anew under the same name and role counts
    /// from 0.
    #[must_use]
    pub fn new(telemetry: &Telemetry, name: &str, role: &str) -> Self {
        let owner = telemetry.families().owner(&[("node", name), ("role", role)], &METRICS);
        Self {
            loop_seconds: owner.histogram(&catalogue::LOOP_SECONDS, &[]),
            telemetry: telemetry.clone(),
            name: name.to_owned(),
            role: role.to_owned(),
            suspect: SuspectMetric::new(telemetry, name, role),
        }
    }

    /// A loop went out to `next`, the first other node that it passes.
    pub fn sent(&self, next: &str) {
        self.count(&catalogue::LOOPS_SENT, next);
    }

    /// A loop that went out to `next` came back whole, after this time.
    pub fn returned(&self, next: &str, took: Duration) {
        self.count(&catalogue::LOOPS_RETURNED, next);
        self.loop_seconds.observe(took);
    }

    /// A loop that went out to `next` is overdue, or came back garbled.
    pub fn lost(&self, next: &str) {
        self.count(&catalogue::LOOPS_LOST, next);
    }

    fn count(&self, metric: &Declaration, next: &str) {
        let labels = [("node", self.name.as_str()), ("role", self.role.as_str())];
        self.telemetry.families().owner(&labels, &[]).counter(metric, &[next]).inc();
    }
}

/// What takes packets, as far as the loops of one sender tell. Cheap to clone; clones show the same.
#[derive(Clone, Debug)]
pub struct SuspectMetric {
    telemetry: Telemetry,
    name: String,
    role: String,
    named: Arc<Mutex<Option<String>>>,
}

impl SuspectMetric {
    /// That of one sender, which names nobody yet.
    #[must_use]
    pub fn new(telemetry: &Telemetry, name: &str, role: &str) -> Self {
        let telemetry = telemetry.clone();
        Self { telemetry, name: name.to_owned(), role: role.to_owned(), named: Arc::default() }
    }

    /// From now on they name this node, or link `one -> other`, or nobody.
    pub fn set(&self, suspect: Option<&str>) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.as_deref() == suspect {
            return;
        }
        let labels = [("node", self.name.as_str()), ("role", self.role.as_str())];
        let owner = self.telemetry.families().owner(&labels, &[]);
        if let Some(before) = named.take() {
            owner.gauge(&catalogue::LOOP_SUSPECT, &[&before]).set(0);
        }
        if let Some(suspect) = suspect {
            owner.gauge(&catalogue::LOOP_SUSPECT, &[suspect]).set(1);
            *named = Some(suspect.to_owned());
        }
    }
}
