//! What every pod of a Mixnet has, whatever it does: what its namespace or its cluster demands.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Resources, Scheduling};

/// The user that the images are made for. Any other would do: nothing in them is written to.
const IMAGES_USER: i64 = 65_532;

/// What every pod has, those of Broadcasts included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "!(has(self.user) && self.anyUser)", "message": "user names one and anyUser leaves it to the cluster: not both"}
]))]
pub struct EveryPod {
    /// Secrets of the namespace to pull images with. Without any, those that the operator was
    /// installed with, or else those of the namespace's default service account.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub image_pull_secrets: Vec<PullSecret>,
    /// Labels, besides its own; not of app.kubernetes.io or mixbed.dev.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub labels: BTreeMap<String, String>,
    /// Annotations, besides its own; not of mixbed.dev.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub annotations: BTreeMap<String, String>,
    /// Its priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
    /// The user and group that it runs as and that own its volumes. Without it: the operator's own
    /// default, which is 65532 unless it was installed with another.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub user: Option<i64>,
    /// true: no user and no group is named, and the cluster chooses, as some clusters demand.
    pub any_user: bool,
    /// What no container asks less than, or is allowed less than, as a namespace's quotas and
    /// minima may demand: whatever is less is raised to it.
    #[serde(skip_serializing_if = "is_nothing")]
    pub at_least: Resources,
}

fn is_nothing(resources: &Resources) -> bool {
    *resources == Resources::default()
}

/// A Secret to pull images with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PullSecret {
    /// Its name, in the namespace of the pods.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What pods have where a Mixnet says nothing: what its operator was installed with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct PodDefaults {
    /// Of every pod.
    pub pods: EveryPod,
    /// Where they run.
    pub scheduling: Scheduling,
}

impl EveryPod {
    /// The user and group that it runs as; nothing: the cluster chooses.
    #[must_use]
    pub fn runs_as(&self) -> Option<i64> {
        (!self.any_user).then(|| self.user.unwrap_or(IMAGES_USER))
    }

    /// The same, which pulls images with these secrets if none are named.
    #[must_use]
    pub fn pulling(self, secrets: &[PullSecret]) -> Self {
        Self { image_pull_secrets: first(&self.image_pull_secrets, secrets), ..self }
    }

    /// What is said here, and what these defaults say of what is not.
    #[must_use]
    pub fn or(&self, defaults: &Self) -> Self {
        let Self {
            image_pull_secrets,
            labels,
            annotations,
            priority_class_name,
            user,
            any_user,
            at_least,
        } = self;
        let says_who = *any_user || user.is_some();
        Self {
            image_pull_secrets: first(image_pull_secrets, &defaults.image_pull_secrets),
            labels: over(&defaults.labels, labels),
            annotations: over(&defaults.annotations, annotations),
            priority_class_name: priority_class_name
                .clone()
                .or_else(|| defaults.priority_class_name.clone()),
            user: if says_who { *user } else { defaults.user },
            any_user: if says_who { *any_user } else { defaults.any_user },
            at_least: Resources {
                requests: over(&defaults.at_least.requests, &at_least.requests),
                limits: over(&defaults.at_least.limits, &at_least.limits),
            },
        }
    }
}

impl Scheduling {
    /// What is said here, and what these defaults say of what is not.
    #[must_use]
    pub fn or(&self, defaults: &Self) -> Self {
        let Self { node_selector, tolerations, affinity, spread_over } = self;
        Self {
            node_selector: if node_selector.is_empty() {
                defaults.node_selector.clone()
            } else {
                node_selector.clone()
            },
            tolerations: first(tolerations, &defaults.tolerations),
            affinity: affinity.clone().or_else(|| defaults.affinity.clone()),
            spread_over: spread_over.clone().or_else(|| defaults.spread_over.clone()),
        }
    }
}

fn first<T: Clone>(own: &[T], defaults: &[T]) -> Vec<T> {
    if own.is_empty() { defaults.to_vec() } else { own.to_vec() }
}

/// The one map laid over the other.
fn over<T: Clone>(under: &BTreeMap<String, T>, over: &BTreeMap<String, T>) -> BTreeMap<String, T> {
    under.iter().chain(over).map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults(json: &str) -> PodDefaults {
        serde_json::from_str(json).expect("as the chart writes it")
    }

    #[test]
    fn what_a_spec_says_goes_before_what_the_operator_was_installed_with() {
        let PodDefaults { pods, scheduling } = defaults(
            r#"{"pods": {"user": 5, "labels": {"a": "1", "b": "1"}, "priorityClassName": "low",
                "imagePullSecrets": [{"name": "r"}], "atLeast": {"limits": {"cpu": "1"}}},
                "scheduling": {"nodeSelector": {"pool": "x"}, "spreadOver": "zone"}}"#,
        );
        assert_eq!(EveryPod::default().or(&pods), pods);
        assert_eq!(Scheduling::default().or(&scheduling), scheduling);
        let own = defaults(r#"{"pods": {"anyUser": true, "labels": {"b": "2"}}}"#).pods.or(&pods);
        assert_eq!(own.runs_as(), None, "the other's user is not taken besides");
        assert_eq!(own.labels, [("a", "1"), ("b", "2")].map(crate::child::owned).into());
        assert_eq!(own.image_pull_secrets, pods.image_pull_secrets);
        assert_eq!(own.at_least, pods.at_least);
    }

    #[test]
    fn a_user_is_named_unless_the_cluster_is_to_choose() {
        assert_eq!(EveryPod::default().runs_as(), Some(65_532));
        let any = defaults(r#"{"pods": {"anyUser": true}}"#).pods;
        assert_eq!(any.runs_as(), None);
        let own = EveryPod { user: Some(7), ..EveryPod::default() };
        assert_eq!(own.or(&any).runs_as(), Some(7));
    }

    #[test]
    fn a_default_that_does_not_exist_is_refused() {
        assert!(serde_json::from_str::<PodDefaults>(r#"{"pod": {}}"#).is_err());
    }
}
