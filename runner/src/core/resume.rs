//! Going on from what was written down.

use std::time::Duration;

use mixbed_monero::TxId;
use mixbed_operator::api::{BroadcastPhase, Report, ReportedTransaction, TransactionState};

use super::entry::{Entry, State};
use super::{End, Plan, Run, Saved, SavedError, Unresolved};

impl Run {
    /// A run that goes on where `saved` was written. What was sent and has no end is sent again at
    /// once, at `now`; what was made and not sent waits for its time.
    pub fn resume(plan: Plan, saved: Saved, now: Duration) -> Result<Self, SavedError> {
        let mut run = Self::new(plan);
        let Saved { report, unresolved } = saved;
        // A report that nobody has written to yet.
        if report == Report::default() && unresolved.is_empty() {
            return Ok(run);
        }
        if report.wanted != run.plan.wanted {
            let (theirs, ours) = (report.wanted, run.plan.wanted);
            return Err(SavedError::AnotherRun { theirs, ours });
        }
        for one in report.transactions {
            let (number, entry) = reported(one)?;
            run.insert(number, entry)?;
        }
        for Unresolved { number, ordered_ms, hex } in unresolved {
            let unreadable = |why: String| SavedError::Transaction { number, why };
            let raw = hex::decode(hex).map_err(|error| unreadable(error.to_string()))?;
            let txid = TxId::of(&raw).map_err(|error| unreadable(error.to_string()))?;
            let ordered = ordered_ms.map(Duration::from_millis);
            match run.entries.get_mut(&number) {
                Some(entry) if entry.txid != txid => {
                    return Err(unreadable(format!("its id is {}, not {txid}", entry.txid)));
                }
                Some(entry) if entry.is_resolved() => {}
                Some(entry) => {
                    (entry.raw, entry.ordered) = (Some(raw.into()), ordered);
                    if entry.state == State::Submitted {
                        entry.again = Some(now);
                    }
                }
                None => run.insert(number, Entry::made(txid, raw.into(), 0))?,
            }
        }
        // Sending had begun: it goes on with what is ready.
        let begun = run.entries.values().any(|entry| entry.state != State::Made);
        run.slot = begun.then_some(now);
        run.best = run.entries.values().filter_map(|entry| entry.height).max().unwrap_or_default();
        run.end = match report.phase {
            BroadcastPhase::Succeeded => Some(End::Complete),
            BroadcastPhase::Cancelled => Some(End::Cancelled),
            BroadcastPhase::Failed => Some(End::Failed {
                reason: report.reason.unwrap_or_else(|| "Failed".to_owned()),
                message: report.message,
            }),
            _ => None,
        };
        Ok(run)
    }

    fn insert(&mut self, number: u32, entry: Entry) -> Result<(), SavedError> {
        let fits = (1..=self.plan.wanted).contains(&number);
        if !fits || self.entries.insert(number, entry).is_some() {
            return Err(SavedError::Number(number));
        }
        Ok(())
    }
}

fn reported(one: ReportedTransaction) -> Result<(u32, Entry), SavedError> {
    let number = one.number;
    let txid: TxId = one.txid.parse().map_err(|error: mixbed_monero::TxIdError| {
        SavedError::Transaction { number, why: error.to_string() }
    })?;
    let state = match one.state {
        TransactionState::Submitted => State::Submitted,
        TransactionState::Accepted => State::Accepted,
        TransactionState::Mined => State::Mined,
        TransactionState::Failed => State::Failed,
    };
    let entry = Entry {
        txid,
        raw: None,
        state,
        since: 0,
        ordered: None,
        busy: false,
        again: None,
        missing: None,
        trace_id: one.trace_id,
        latency: one.latency_ms.map(Duration::from_millis),
        provider: one.provider,
        height: one.height,
        words: one.reason,
    };
    Ok((number, entry))
}
