//! What became of a submission, and how it went.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Rejection, TxId};

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// monerod has the transaction, in its pool or in a block.
    Accepted {
        /// The id, computed from the bytes; `None` if they could not be read here and monerod
        /// took them all the same.
        txid: Option<TxId>,
        /// monerod had it before: delivered all the same.
        already_known: bool,
    },
    /// monerod refuses the transaction, and will again.
    Rejected(Rejection),
    /// monerod could not be made to answer in time. The transaction may have arrived or not; to
    /// submit it again, anywhere, is safe.
    Unavailable {
        /// The last thing that went wrong, without monerod's address.
        why: String,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { already_known: false, .. } => f.write_str("accepted"),
            Self::Accepted { already_known: true, .. } => f.write_str("accepted (already known)"),
            Self::Rejected(rejection) => write!(f, "rejected: {rejection}"),
            Self::Unavailable { why } => write!(f, "monerod is unavailable: {why}"),
        }
    }
}

/// What one request to monerod was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// Hand the transaction over.
    Submit,
    /// Ask whether monerod has it after all.
    Locate,
}

/// One request to monerod, for traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it was for.
    pub kind: CallKind,
    /// When it began, counted from the beginning of the submission.
    pub started: Duration,
    /// How long it took, answer included.
    pub took: Duration,
    /// What came of it, in words, without monerod's address.
    pub answer: String,
}

/// An outcome, and how it came about.
#[derive(Clone, Debug)]
pub struct Report {
    /// The transaction's id as its bytes say; `None` if they are not a transaction.
    pub txid: Option<TxId>,
    /// What became of it.
    pub outcome: Outcome,
    /// How often the transaction was handed to monerod; 0 if it was refused here.
    pub attempts: u32,
    /// From the beginning to the outcome, pauses included.
    pub elapsed: Duration,
    /// The requests, in order; the first [`Report::MAX_CALLS`] of them.
    pub calls: Vec<Call>,
}

impl Report {
    /// How many calls a report lists at most.
    pub const MAX_CALLS: usize = 64;

    /// The time spent waiting for monerod, pauses between attempts not included.
    #[must_use]
    pub fn daemon_time(&self) -> Duration {
        self.calls.iter().map(|call| call.took).sum()
    }
}
