//! What a run tells of itself: the report that its pod writes, and everyone else reads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BroadcastPhase, Latency};

/// The key of a run's report in its `ConfigMap`.
pub const REPORT_KEY: &str = "report.json";

/// The whole report of a run, as its pod last wrote it to its ConfigMap.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Report {
    /// How far the run is.
    pub phase: BroadcastPhase,
    /// What it does now, or why it ended, in words.
    pub message: String,
    /// One CamelCase word why it ended otherwise than well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many transactions are wanted.
    pub wanted: u32,
    /// From a transaction's order until the provider's word; of those that were accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Each transaction, in the order of their numbers.
    pub transactions: Vec<ReportedTransaction>,
}

/// One transaction of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedTransaction {
    /// Its number in the run, from 1.
    pub number: u32,
    /// Its id: 64 hexadecimal digits.
    pub txid: String,
    /// How far it is.
    pub state: TransactionState,
    /// Its trace: 32 hexadecimal digits; absent if it is not traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// From its order until the provider's word, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// The provider whose monerod has accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The block that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TransactionState {
    /// Handed to the client.
    #[default]
    Submitted,
    /// A provider's monerod has it.
    Accepted,
    /// It is in a block.
    Mined,
    /// It will not be.
    Failed,
}
