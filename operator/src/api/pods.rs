//! What a Mixnet's spec says of pods.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceRequirements, Toleration};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What a container asks for and gets at most. Without it, measured values are used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Resources {
    /// What it asks for: cpu, memory.
    #[schemars(schema_with = "quantities")]
    pub requests: BTreeMap<String, Quantity>,
    /// What it gets at most: cpu, memory.
    #[schemars(schema_with = "quantities")]
    pub limits: BTreeMap<String, Quantity>,
}

impl From<Resources> for ResourceRequirements {
    fn from(Resources { requests, limits }: Resources) -> Self {
        let some = |map: BTreeMap<String, Quantity>| (!map.is_empty()).then_some(map);
        Self { requests: some(requests), limits: some(limits), ..Self::default() }
    }
}

/// Amounts as Kubernetes writes them, without the two pages that it says of them elsewhere.
fn quantities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 2,
        "additionalProperties": {
            "x-kubernetes-int-or-string": true,
            "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$",
        },
        "x-kubernetes-validations": [
            {"rule": "self.all(name, name in ['cpu', 'memory'])", "message": "only cpu and memory can be asked for: no pod of ours uses anything else"},
        ],
    })
}

/// An object that is not described again: it is read, and refused, when pods are made of it.
fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// What can be said of the pods of each role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSettings {
    /// Requests and limits of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Where its pods run; instead of the Mixnet's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,
}

/// Where pods run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Scheduling {
    /// Labels that a machine must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that do not matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub tolerations: Vec<Toleration>,
    /// What they run near to or away from, as a pod's spec has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub affinity: Option<serde_json::Value>,
    /// Label of machines over whose values the pods of a role are spread where possible:
    /// kubernetes.io/hostname unless another is named, such as topology.kubernetes.io/zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 316))]
    pub spread_over: Option<String>,
}

/// A provider's monerod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Monerod {
    /// Requests and limits of the container. RandomX takes about 290 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// Volumes that outlive pods, for gateways' mailboxes and the chains of monerods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// The StorageClass; without one, the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')", "message": "className is a StorageClass of kubectl get storageclass; without it, the default one is taken"}
]))]
    pub class_name: Option<String>,
    /// How much for each pod, such as 1Gi.
    #[serde(default = "one_gibibyte")]
    #[schemars(length(max = 20))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[1-9][0-9]*(Mi|Gi|Ti|M|G|T)$')", "message": "a size is written like 500Mi or 1Gi"}
]))]
    pub size: String,
    /// Whether the volumes stay when the Mixnet is deleted.
    #[serde(default)]
    pub keep: bool,
}

fn one_gibibyte() -> String {
    "1Gi".to_owned()
}
