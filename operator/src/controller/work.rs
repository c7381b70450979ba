//! One reconcile, measured.

use std::time::{Instant, SystemTime};

use mixbed_telemetry::{Attribute, OperatorMetrics, Service, SpanName, Value};

use super::broadcasts::Broadcasts;
use super::queue::{Again, Target};
use super::status::Written;
use crate::mixnet::{Reconciled, Reconciler};

/// What reconciles, whatever the kind.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) mixnets: Reconciler,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) metrics: OperatorMetrics,
    pub(crate) service: Service,
}

impl Work {
    /// Reconciles one resource; says when to do so again.
    pub(crate) async fn reconcile(&self, target: &Target) -> Again {
        let (began, at) = (Instant::now(), SystemTime::now());
        let reconciled = match target {
            Target::Mixnet(place) => self.mixnets.reconcile(place).await,
            Target::Broadcast(place) => self.broadcasts.reconcile(place).await,
        };
        let Some(reconciled) = reconciled else { return Again::WhenChanged };
        let outcome = outcome(&reconciled);
        self.metrics.reconciled(target.kind(), outcome, began.elapsed());
        if outcome != "unchanged" {
            self.tell(target, &reconciled, outcome, at);
        }
        reconciled.again
    }

    /// In the log and as a span.
    fn tell(&self, target: &Target, reconciled: &Reconciled, outcome: &str, began: SystemTime) {
        let (kind, place) = (target.kind(), target.place());
        let applied = &reconciled.applied;
        let objects: Vec<_> = applied
            .changes
            .iter()
            .map(|(key, change)| format!("{key} {}", change.as_str()))
            .collect();
        if objects.is_empty() {
            tracing::debug!("{kind} {place}: {outcome}");
        } else {
            tracing::info!("{kind} {place}: {}", objects.join(", "));
        }
        for refusal in &applied.refusals {
            tracing::debug!("{kind} {place}: {}", refusal.message);
        }
        if let Some(why) = &applied.unreachable {
            tracing::warn!("{kind} {place}: {why}");
        }
        if objects.is_empty() {
            return;
        }
        let mut span = self.service.span_since(SpanName::Reconcile, began);
        span.set(Attribute::Resource, format!("{kind}/{}/{}", place.namespace, place.name));
        span.set(Attribute::Objects, i64::try_from(objects.len()).unwrap_or(i64::MAX));
        for object in objects {
            span.event("applied", [(Attribute::Other("mixbed.object"), Value::from(object))]);
        }
        match applied.refusals.first() {
            Some(refusal) => span.fail(&refusal.message),
            None => span.ok(),
        }
    }
}

fn outcome(reconciled: &Reconciled) -> &'static str {
    let applied = &reconciled.applied;
    if applied.unreachable.is_some() || reconciled.written == Written::Failed {
        "failed"
    } else if !reconciled.valid {
        "invalid"
    } else if !applied.refusals.is_empty() {
        "refused"
    } else if !applied.changes.is_empty() || reconciled.written == Written::Anew {
        "changed"
    } else {
        "unchanged"
    }
}
