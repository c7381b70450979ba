//! What is written down of a run: enough to go on with it.

use mixbed_operator::api::Report;
use serde::{Deserialize, Serialize};

/// The most hexadecimal digits that are kept: with the report of a thousand transactions a
/// `ConfigMap` has less than its 1 MiB.
pub(super) const KEPT: usize = 600_000;

/// A transaction that is not in a block yet, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unresolved {
    /// Its number in the run, from 1.
    pub number: u32,
    /// When it was ordered, in milliseconds since the Unix epoch; absent: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_ms: Option<u64>,
    /// The transaction, in hexadecimal digits.
    pub hex: String,
}

/// All that is written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// What the run tells of itself.
    #[serde(flatten)]
    pub report: Report,
    /// What is to be sent again by whoever goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unresolved: Vec<Unresolved>,
}

/// Why a run cannot go on from what was written down.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It is of another run.
    #[error("the report is of a run of {theirs} transactions, this is one of {ours}")]
    AnotherRun {
        /// As many as the report has.
        theirs: u32,
        /// As many as are wanted.
        ours: u32,
    },
    /// A number that there cannot be, or twice the same.
    #[error("the report has the transaction number {0} where there can be none")]
    Number(u32),
    /// An id that is none, or not the one of the bytes.
    #[error("the report has a transaction {number} that cannot be read: {why}")]
    Transaction {
        /// Its number.
        number: u32,
        /// What is wrong with it.
        why: String,
    },
}
