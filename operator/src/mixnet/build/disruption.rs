//! How many pods may be taken away at once when machines are emptied.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Plan;
use crate::child::{Child, matching};

/// One of each set.
pub(super) fn budgets(plan: Plan) -> Vec<Child> {
    let budget = |name: String, component: &str, selector| {
        Child::of(&PodDisruptionBudget {
            metadata: plan.owner().metadata(name, plan.labels(component)),
            spec: Some(PodDisruptionBudgetSpec {
                max_unavailable: Some(IntOrString::Int(1)),
                selector: Some(matching(selector)),
                // One that is not ready carries nothing: it must not hold a machine.
                unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
                min_available: None,
            }),
            ..PodDisruptionBudget::default()
        })
    };
    let sets = plan.mixnet.sets();
    let sets = sets.into_iter().map(|set| {
        let role = set.kind.role();
        let mut selector = plan.owner().selector(role);
        selector.extend(set.kind.labels());
        budget(set.name, role, selector)
    });
    let single = [("directory", plan.names().directory()), ("miner", plan.names().miner())]
        .map(|(component, name)| budget(name, component, plan.owner().selector(component)));
    sets.chain(single).collect()
}
