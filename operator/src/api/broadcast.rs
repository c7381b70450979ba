//! The resource `Broadcast`: a run of transactions through a Mixnet.

#![expect(clippy::duplicated_attributes, reason = "columns that are alike in their types")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Period, Rate, ReportedTransaction, Resources};

/// The most transactions that a status lists, the newest; the report has all.
pub const SHOWN_TRANSACTIONS: usize = 50;

/// A run: a wallet with money of its own makes transactions and sends them through a Mixnet.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "mixbed.dev",
    version = "v1alpha1",
    kind = "Broadcast",
    plural = "broadcasts",
    shortname = "bc",
    category = "mixbed",
    namespaced,
    status = "BroadcastStatus",
    derive = "PartialEq",
    doc = "A run: a wallet with money of its own makes transactions and sends them through a Mixnet.",
    printcolumn(name = "Mixnet", type_ = "string", json_path = ".spec.mixnet"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Wanted", type_ = "integer", json_path = ".spec.transactions"),
    printcolumn(name = "Submitted", type_ = "integer", json_path = ".status.submitted"),
    printcolumn(name = "Accepted", type_ = "integer", json_path = ".status.accepted"),
    printcolumn(name = "Mined", type_ = "integer", json_path = ".status.mined"),
    printcolumn(name = "Failed", type_ = "integer", json_path = ".status.failed"),
    printcolumn(name = "P50 ms", type_ = "integer", json_path = ".status.latency.p50Ms"),
    printcolumn(name = "P95 ms", type_ = "integer", json_path = ".status.latency.p95Ms"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.mixnet == oldSelf.mixnet && self.transactions == oldSelf.transactions && self.rate == oldSelf.rate && self.deadline == oldSelf.deadline && self.traced == oldSelf.traced && self.wallet == oldSelf.wallet && has(self.resources) == has(oldSelf.resources) && (!has(self.resources) || self.resources == oldSelf.resources)", "message": "a Broadcast cannot be changed, only cancelled: make another one"},
    {"rule": "self.cancelled || !oldSelf.cancelled", "message": "a cancelled Broadcast stays cancelled: make another one"}
]))]
pub struct BroadcastSpec {
    /// The Mixnet, in the same namespace.
    #[schemars(length(min = 1, max = 40), regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub mixnet: String,
    /// How many transactions, 1 to 1000.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 1000))]
    pub transactions: i32,
    /// How often one is sent: 2/s, 30/m or 10/h; at most 20 a second.
    #[serde(default = "one_a_second")]
    pub rate: Rate,
    /// How long the whole run may take, 10s to 24h; what is not mined by then has failed.
    #[serde(default = "ten_minutes")]
    #[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.matches('^([0-9]{1,9}(us|ms|s|m|h))+$') && duration(self) >= duration('10s') && duration(self) <= duration('24h')", "message": "deadline is between 10s and 24h, written like 50ms, 2s or 1m30s"}
]))]
    pub deadline: Period,
    /// Whether the packets are traced, if the Mixnet allows it. Any two nodes can join a traced one.
    #[serde(default)]
    pub traced: bool,
    /// The wallet that makes them.
    #[serde(default)]
    pub wallet: BroadcastWallet,
    /// true ends the run: nothing more is sent, what is under way is not waited for.
    #[serde(default)]
    pub cancelled: bool,
    /// Requests and limits of the container that sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

fn ten() -> i32 {
    10
}

fn one_a_second() -> Rate {
    Rate::per_second(1)
}

fn ten_minutes() -> Period {
    Period::from_secs(600)
}

/// The wallet that makes a run's transactions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BroadcastWallet {
    /// How what it asks of a monerod gets there, and what the run asks itself: monerod, directly, or
    /// mixnet, as the transactions do. Then its pod has no way to a monerod, and each transaction
    /// takes some ten round trips to make.
    pub through: WalletWay,
    /// Requests and limits of its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// How a wallet's questions get to a monerod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WalletWay {
    /// Directly.
    #[default]
    Monerod,
    /// Through the mixnet.
    Mixnet,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BroadcastStatus {
    /// The generation of the spec that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How far it is.
    pub phase: BroadcastPhase,
    /// The same in words.
    pub message: String,
    /// When its pod began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Transactions handed to the client.
    pub submitted: u32,
    /// Of those, how many a provider's monerod has accepted, mined ones included.
    pub accepted: u32,
    /// Of those, how many are in a block.
    pub mined: u32,
    /// How many will not be.
    pub failed: u32,
    /// Why, the most frequent reasons first, at most ten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<FailureCount>,
    /// From a transaction's order until the provider's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The newest transactions, at most 50; `mixbed report` has all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transactions: Vec<ReportedTransaction>,
    /// Complete: every transaction is mined. Failed: the run ended otherwise; its reason says why.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BroadcastPhase {
    /// Waits for its Mixnet, or for its pod.
    #[default]
    Pending,
    /// Its wallet gets money.
    Funding,
    /// It sends.
    Running,
    /// Everything is sent, and waits to be mined.
    Mining,
    /// Every transaction is mined.
    Succeeded,
    /// It ended otherwise.
    Failed,
    /// It was ended on purpose.
    Cancelled,
}

impl BroadcastPhase {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// How many transactions failed for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureCount {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u32,
}

/// Percentiles of a time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Half were faster.
    pub p50_ms: u64,
    /// 95 of 100 were faster.
    pub p95_ms: u64,
    /// The slowest.
    pub max_ms: u64,
}
