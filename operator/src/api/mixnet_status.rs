//! How a Mixnet is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a Mixnet is, as its operator last found it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct MixnetStatus {
    /// The generation of the spec that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Nodes ready of wanted, such as 10/10.
    pub ready: String,
    /// How it is, in words.
    pub message: String,
    /// Epoch of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Impairments that hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impairments: Option<u32>,
    /// The network's name, which nodes and clients must know.
    pub network: String,
    /// The directory's public key, which nodes and clients must know: 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_key: Option<String>,
    /// Where its parts are found.
    pub endpoints: Endpoints,
    /// Each node.
    pub nodes: Vec<NodeState>,
    /// Ready: transactions get through. Valid: the spec can be made true. Progressing: something
    /// is being changed. Degraded: not all that is wanted is there.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl MixnetStatus {
    /// How many nodes are ready.
    #[must_use]
    pub fn ready_nodes(&self) -> usize {
        self.nodes.iter().filter(|node| node.ready).count()
    }
}

/// Where the parts of a Mixnet are found, inside the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoints {
    /// The directory's URL.
    pub directory: String,
    /// The miner's URL.
    pub miner: String,
    /// Each provider's monerod.
    pub monerods: Vec<String>,
    /// Jaeger's own address, if the spec names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jaeger: Option<String>,
}

/// How a node is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeState {
    /// Its name, which is its pod's.
    pub name: String,
    /// What it does: gateway, mix or provider.
    pub role: String,
    /// A mix's layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<u8>,
    /// Whether its pod is ready.
    pub ready: bool,
    /// Whether the document lists it.
    pub listed: bool,
}
