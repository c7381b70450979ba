//! Metrics of the operator on Kubernetes.

use std::time::Duration;

use crate::Telemetry;

use super::Gauge;
use super::catalogue;

/// What an operator counts. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct OperatorMetrics {
    /// 1 while this replica is the one that works.
    pub leader: Gauge,
    telemetry: Telemetry,
}

impl OperatorMetrics {
    /// The metrics of the process' operator.
    #[must_use]
    pub fn new(telemetry: &Telemetry) -> Self {
        let owner = telemetry.families().owner(&[], &[]);
        Self { leader: owner.gauge(&catalogue::OPERATOR_LEADER, &[]), telemetry: telemetry.clone() }
    }

    /// Counts a reconcile of a kind, by its outcome, such as `unchanged` or `changed`.
    pub fn reconciled(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        let owner = self.telemetry.families().owner(&[], &[]);
        owner.counter(&catalogue::OPERATOR_RECONCILES, &[kind, outcome]).inc();
        owner.histogram(&catalogue::OPERATOR_RECONCILE_SECONDS, &[kind]).observe(took);
    }

    /// Counts a call to the API server. Both words must be of few: each pair is kept.
    pub fn api_call(&self, verb: &'static str, resource: &str) {
        let owner = self.telemetry.families().owner(&[], &[]);
        owner.counter(&catalogue::OPERATOR_API_CALLS, &[verb, resource]).inc();
    }

    /// Says how many resources of a kind wait to be reconciled.
    pub fn waiting(&self, kind: &'static str, count: usize) {
        let owner = self.telemetry.families().owner(&[], &[]);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        owner.gauge(&catalogue::OPERATOR_WAITING, &[kind]).set(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconciles_and_calls_are_counted_by_their_labels() {
        let telemetry = Telemetry::disabled();
        let metrics = OperatorMetrics::new(&telemetry);
        metrics.leader.set(1);
        metrics.reconciled("Mixnet", "changed", Duration::from_millis(3));
        metrics.api_call("apply", "services");
        metrics.api_call("apply", "services");
        metrics.waiting("Mixnet", 2);
        let text = telemetry.metrics_text();
        for line in [
            "mixbed_operator_leader 1",
            "mixbed_operator_reconciles_total{kind=\"Mixnet\",outcome=\"changed\"} 1",
            "mixbed_operator_api_calls_total{verb=\"apply\",resource=\"services\"} 2",
            "mixbed_operator_waiting{kind=\"Mixnet\"} 2",
            "mixbed_operator_reconcile_seconds_count{kind=\"Mixnet\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
