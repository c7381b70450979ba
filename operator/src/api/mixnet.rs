//! The resource `Mixnet`: a whole private mixnet.

#![expect(clippy::duplicated_attributes, reason = "columns that are alike in their types")]

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    EveryPod, Impairment, MixnetStatus, Monerod, Parameters, Period, PodSettings, Scheduling,
    Storage,
};

/// A private mixnet: gateways, three layers of mixes, providers with a regtest Monero behind
/// them, and the directory that lists them all. An empty spec is a modest one.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "mixbed.dev",
    version = "v1alpha1",
    kind = "Mixnet",
    plural = "mixnets",
    shortname = "mxn",
    category = "mixbed",
    namespaced,
    status = "MixnetStatus",
    derive = "PartialEq",
    doc = "A private mixnet: gateways, three layers of mixes, providers with a regtest Monero behind them, and the directory that lists them all.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.ready",
        description = "Nodes ready of wanted"
    ),
    printcolumn(
        name = "Epoch",
        type_ = "integer",
        json_path = ".status.epoch",
        description = "Epoch of the document"
    ),
    printcolumn(
        name = "Delay",
        type_ = "string",
        json_path = ".spec.parameters.meanHopDelay",
        description = "Mean delay of a hop"
    ),
    printcolumn(
        name = "Impaired",
        type_ = "integer",
        json_path = ".status.impairments",
        description = "Impairments that hold"
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.message",
        description = "How it is, in words"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.storage) == has(oldSelf.storage) && (!has(self.storage) || self.storage == oldSelf.storage)", "message": "storage cannot be changed: delete the Mixnet and make it again"}
]))]
pub struct MixnetSpec {
    /// Which images the pods run; without them, those that the operator was installed with.
    pub images: Images,
    /// Where clients come in.
    pub gateways: Gateways,
    /// The three layers.
    pub mixes: Mixes,
    /// Where transactions go out.
    pub providers: Providers,
    /// Lists the nodes, and signs who is in the network.
    pub directory: Directory,
    /// Of the miner's pod.
    pub miner: PodSettings,
    /// What every pod has, those of its Broadcasts included.
    pub pods: EveryPod,
    /// How the whole network sends.
    pub parameters: Parameters,
    /// What links are made to suffer on purpose, at most 64 rules; see `mixbed impair`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub impairments: Vec<Impairment>,
    /// Where spans go.
    pub tracing: Tracing,
    /// How long a node that is stopped may go on forwarding after it has left the document, 0s to
    /// 5m.
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^([0-9]{1,9}(us|ms|s|m|h))+$') && duration(self) <= duration('5m')", "message": "drain is at most 5m, written like 50ms, 2s or 1m30s"}
]))]
    pub drain: Period,
    /// Where pods run.
    pub scheduling: Scheduling,
    /// Volumes that outlive pods; without them, state lives as long as its pod. Cannot be changed
    /// later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Whether network policies are made that let pods speak with those only that they need.
    pub network_policies: bool,
}

/// Which images the pods run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Images {
    /// The image with mixbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[a-zA-Z0-9][a-zA-Z0-9._:/@+-]*[a-zA-Z0-9_-]$')", "message": "an image is written like registry.example/mixbed:0.1.0"}
]))]
    pub mixbed: Option<String>,
    /// The image with monerod and monero-wallet-rpc.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^[a-zA-Z0-9][a-zA-Z0-9._:/@+-]*[a-zA-Z0-9_-]$')", "message": "an image is written like registry.example/mixbed:0.1.0"}
]))]
    pub monero: Option<String>,
    /// Always, IfNotPresent or Never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Always", "IfNotPresent", "Never"]))]
    pub pull_policy: Option<String>,
}

/// Where clients come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Gateways {
    /// How many there are.
    #[schemars(range(min = 1, max = 50))]
    pub replicas: i32,
    /// Of their pods.
    #[serde(flatten)]
    pub pods: PodSettings,
}

/// The three layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Mixes {
    /// How many there are in each layer.
    #[schemars(range(min = 1, max = 100))]
    pub per_layer: i32,
    /// Of their pods.
    #[serde(flatten)]
    pub pods: PodSettings,
}

/// Where transactions go out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Providers {
    /// How many there are, each with its own monerod. With two or more they are peers, and one
    /// that lost its chain gets it back from the others; one alone begins a new chain when its pod
    /// is deleted, unless there is storage. None restarts when their number changes.
    #[schemars(range(min = 1, max = 10))]
    pub replicas: i32,
    /// Its monerod.
    pub monerod: Monerod,
    /// How long the miner waits from one block to the next while transactions wait, 200ms to 10m.
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^([0-9]{1,9}(us|ms|s|m|h))+$') && duration(self) >= duration('200ms') && duration(self) <= duration('10m')", "message": "blockTime is between 200ms and 10m, written like 50ms, 2s or 1m30s"}
]))]
    pub block_time: Period,
    /// Of their pods.
    #[serde(flatten)]
    pub pods: PodSettings,
}

/// Lists the nodes, and signs who is in the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Directory {
    /// How long a node stays listed without a sign of life, 1s to 1h.
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^([0-9]{1,9}(us|ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('1h')", "message": "lease is between 1s and 1h, written like 50ms, 2s or 1m30s"}
]))]
    pub lease: Period,
    /// Nodes that it takes besides those of this Mixnet's pods, at most 64: a gateway outside of the
    /// cluster, say. It takes no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub nodes: Vec<OutsideNode>,
    /// Of its pod.
    #[serde(flatten)]
    pub pods: PodSettings,
}

/// A node that no pod of the Mixnet is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutsideNode {
    /// What it is called, by no name of a pod's.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Its identity key, 64 hexadecimal digits: the node says it while it is not on the list.
    #[schemars(length(min = 64, max = 64))]
    pub identity: String,
    /// gateway, mix or provider.
    #[schemars(extend("enum" = ["gateway", "mix", "provider"]))]
    pub role: String,
    /// A mix's layer, 1 to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3))]
    pub layer: Option<u8>,
}

/// Where spans go.
#[expect(clippy::doc_markdown, reason = "`kubectl explain` shows addresses as they are")]
#[allow(rustdoc::bare_urls, reason = "as above")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Tracing {
    /// OpenTelemetry collector that all nodes and Broadcasts send spans to (gRPC), such as
    /// http://jaeger:4317; by https one whose certificate is of a public authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^https?://[^/]+:[0-9]{1,5}/?$')", "message": "otlp is written like http://jaeger:4317: http or https, a host, and the port of OTLP over gRPC"}
]))]
    pub otlp: Option<String>,
    /// Jaeger's own address, where `mixbed trace --context` looks traces up, such as
    /// http://jaeger:16686.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^https?://[^/]+')", "message": "jaeger is written like http://jaeger:16686"}
]))]
    pub jaeger: Option<String>,
}

impl Default for MixnetSpec {
    fn default() -> Self {
        Self {
            images: Images::default(),
            gateways: Gateways::default(),
            mixes: Mixes::default(),
            providers: Providers::default(),
            directory: Directory::default(),
            miner: PodSettings::default(),
            pods: EveryPod::default(),
            parameters: Parameters::default(),
            impairments: Vec::new(),
            tracing: Tracing::default(),
            drain: Period::from_secs(10),
            scheduling: Scheduling::default(),
            storage: None,
            network_policies: true,
        }
    }
}

impl Default for Gateways {
    fn default() -> Self {
        Self { replicas: 2, pods: PodSettings::default() }
    }
}

impl Default for Mixes {
    fn default() -> Self {
        Self { per_layer: 2, pods: PodSettings::default() }
    }
}

impl Default for Providers {
    fn default() -> Self {
        Self {
            replicas: 2,
            monerod: Monerod::default(),
            block_time: Period::from_secs(2),
            pods: PodSettings::default(),
        }
    }
}

impl Default for Directory {
    fn default() -> Self {
        Self { lease: Period::from_secs(20), nodes: Vec::new(), pods: PodSettings::default() }
    }
}
