//! One transaction of a run.

use std::sync::Arc;
use std::time::Duration;

use mixbed_monero::TxId;
use mixbed_operator::api::{ReportedTransaction, TransactionState};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The wallet has made it, and nobody was told.
    Made,
    Submitted,
    Accepted,
    Mined,
    Failed,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) txid: TxId,
    /// Its bytes; none if they were not kept by the process before, and once it is resolved.
    pub(super) raw: Option<Arc<[u8]>>,
    pub(super) state: State,
    /// The change of the run with which it came in: sent only when that is written down.
    pub(super) since: u64,
    pub(super) ordered: Option<Duration>,
    /// An attempt is under way.
    pub(super) busy: bool,
    /// When to send it again; `None`: not to be sent.
    pub(super) again: Option<Duration>,
    /// Since when no monerod that can tell has it, though one had accepted it.
    pub(super) missing: Option<Duration>,
    pub(super) trace_id: Option<String>,
    pub(super) latency: Option<Duration>,
    pub(super) provider: Option<String>,
    pub(super) height: Option<u64>,
    /// Why it failed, or why the last attempt did.
    pub(super) words: Option<String>,
}

impl Entry {
    pub(super) fn made(txid: TxId, raw: Arc<[u8]>, since: u64) -> Self {
        Self {
            txid,
            raw: Some(raw),
            state: State::Made,
            since,
            ordered: None,
            busy: false,
            again: None,
            missing: None,
            trace_id: None,
            latency: None,
            provider: None,
            height: None,
            words: None,
        }
    }

    pub(super) fn is_resolved(&self) -> bool {
        matches!(self.state, State::Mined | State::Failed)
    }

    /// As the report has it; what nobody was told of is not in it.
    pub(super) fn reported(&self, number: u32) -> Option<ReportedTransaction> {
        let state = match self.state {
            State::Made => return None,
            State::Submitted => TransactionState::Submitted,
            State::Accepted => TransactionState::Accepted,
            State::Mined => TransactionState::Mined,
            State::Failed => TransactionState::Failed,
        };
        let failed = self.state == State::Failed;
        Some(ReportedTransaction {
            number,
            txid: self.txid.to_string(),
            state,
            trace_id: self.trace_id.clone(),
            latency_ms: self.latency.map(millis),
            provider: self.provider.clone(),
            height: self.height,
            reason: self.words.clone().filter(|_| failed),
        })
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
