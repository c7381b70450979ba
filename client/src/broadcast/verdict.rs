//! What a provider's word is worth.

use std::time::Duration;

use mixbed_monero::{Flag, TxId};
use mixbed_wire::message::{HoldAnswer, MAX_HOLD, SubmitAnswer, SubmitOutcome};

use super::{BroadcastError, BroadcastReport};
use crate::request::Answer;

/// Success is the provider's word for this very transaction, and nothing less.
pub(super) fn judge(ours: Option<TxId>, answer: Answer) -> Result<BroadcastReport, BroadcastError> {
    let Answer { data, provider, .. } = answer;
    let Ok(said) = SubmitAnswer::decode(&data) else {
        return Err(BroadcastError::BadAnswer(provider));
    };
    let (txid, already_known) = match said.outcome {
        SubmitOutcome::Accepted { txid, already_known } => {
            let theirs = txid.map(TxId::from);
            match ours {
                None => return Err(BroadcastError::Unverifiable { provider, theirs }),
                Some(txid) if theirs == ours => (txid, already_known),
                Some(ours) => {
                    let theirs =
                        theirs.map_or_else(|| "no transaction".to_owned(), |txid| txid.to_string());
                    let ours = ours.to_string();
                    return Err(BroadcastError::WrongTransaction { provider, theirs, ours });
                }
            }
        }
        SubmitOutcome::Rejected { flags, words } => {
            let named = (0_u32..).zip(Flag::ALL).filter(|(bit, _)| flags & (1 << bit) != 0);
            let flags = named.map(|(_, flag)| flag).collect();
            return Err(BroadcastError::Rejected { words, flags, provider });
        }
        SubmitOutcome::Unavailable { words } => {
            return Err(BroadcastError::Unavailable { words, provider });
        }
    };
    Ok(BroadcastReport {
        txid,
        already_known,
        trace_id: answer.trace_id,
        provider,
        elapsed: answer.elapsed,
        packets_sent: answer.packets_sent,
        packets_received: answer.packets_received,
        retransmissions: answer.retransmissions,
        mixing_delay: answer.mixing_delay,
        monerod_time: said.monerod_time,
        monerod_attempts: said.attempts,
        held: None,
        confirmed_by: None,
        found_out: Vec::new(),
    })
}

/// A promise is one for this very transaction, too.
pub(super) fn judge_hold(
    ours: Option<TxId>,
    answer: Answer,
) -> Result<BroadcastReport, BroadcastError> {
    let Answer { data, provider, .. } = answer;
    let Ok(said) = HoldAnswer::decode(&data) else {
        return Err(BroadcastError::BadAnswer(provider));
    };
    let Some(ours) = ours else { return Err(BroadcastError::CannotWait) };
    let theirs = TxId::from(said.txid);
    if theirs != ours {
        let (ours, theirs) = (ours.to_string(), theirs.to_string());
        return Err(BroadcastError::WrongTransaction { provider, theirs, ours });
    }
    Ok(BroadcastReport {
        txid: ours,
        already_known: false,
        trace_id: answer.trace_id,
        provider,
        elapsed: answer.elapsed,
        packets_sent: answer.packets_sent,
        packets_received: answer.packets_received,
        retransmissions: answer.retransmissions,
        mixing_delay: answer.mixing_delay,
        monerod_time: Duration::ZERO,
        monerod_attempts: 0,
        // A provider cannot make it longer than it may be.
        held: Some(said.wait.min(MAX_HOLD)),
        confirmed_by: None,
        found_out: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(outcome: SubmitOutcome) -> Answer {
        let answer = SubmitAnswer { outcome, attempts: 1, monerod_time: Duration::ZERO };
        Answer {
            data: answer.encode(),
            provider: "provider-0".to_owned(),
            elapsed: Duration::from_secs(1),
            mixing_delay: Duration::ZERO,
            packets_sent: 1,
            packets_received: 1,
            retransmissions: 0,
            trace_id: None,
        }
    }

    fn accepted(txid: Option<[u8; 32]>) -> Answer {
        said(SubmitOutcome::Accepted { txid, already_known: false })
    }

    #[test]
    fn acceptance_counts_for_this_transaction_only() {
        let ours = Some(TxId::from([1; 32]));
        assert_eq!(judge(ours, accepted(Some([1; 32]))).expect("ours").txid, TxId::from([1; 32]));
        for theirs in [Some([2; 32]), None] {
            let error = judge(ours, accepted(theirs)).expect_err("another");
            assert!(matches!(error, BroadcastError::WrongTransaction { .. }), "{error}");
        }
        // Bytes that cannot be read here have no id that could be agreed upon.
        for theirs in [Some([2; 32]), None] {
            let error = judge(None, accepted(theirs)).expect_err("nothing to agree on");
            assert!(matches!(error, BroadcastError::Unverifiable { .. }), "{error}");
            let named = error.to_string().contains(&"02".repeat(32));
            assert_eq!(named, theirs.is_some(), "{error}");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_no_success() {
        let answer = Answer { data: vec![9; 40], ..accepted(None) };
        let error = judge(None, answer).expect_err("unreadable");
        assert!(matches!(error, BroadcastError::BadAnswer(_)), "{error}");
    }

    #[test]
    fn a_promise_counts_for_this_transaction_only_and_for_ten_minutes_at_most() {
        let promise = |txid| {
            let wait = 9 * MAX_HOLD;
            Answer { data: HoldAnswer { wait, txid }.encode(), ..accepted(None) }
        };
        let ours = Some(TxId::from([1; 32]));
        let report = judge_hold(ours, promise([1; 32])).expect("ours");
        assert_eq!(report.held, Some(MAX_HOLD));
        let error = judge_hold(ours, promise([2; 32])).expect_err("another");
        assert!(matches!(error, BroadcastError::WrongTransaction { .. }), "{error}");
        let error = judge_hold(ours, accepted(None)).expect_err("unreadable");
        assert!(matches!(error, BroadcastError::BadAnswer(_)), "{error}");
        let error = judge_hold(None, promise([2; 32])).expect_err("nothing to ask for");
        assert!(matches!(error, BroadcastError::CannotWait), "{error}");
    }

    #[test]
    fn flags_come_as_monerod_named_them() {
        let outcome = SubmitOutcome::Rejected { flags: 0b1001, words: "why".to_owned() };
        let error = judge(None, said(outcome)).expect_err("refused");
        let BroadcastError::Rejected { flags, .. } = error else { panic!("{error}") };
        assert_eq!(flags, [Flag::ALL[0], Flag::ALL[3]]);
    }
}
