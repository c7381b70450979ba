//! A Monero transaction on its way to a provider's monerod.

use std::time::{Duration, Instant};

use mixbed_directory::Descriptor;
use mixbed_monero::{Flag, TxId};
use mixbed_telemetry::{Attribute, Span, SpanName};
use mixbed_wire::message::{Request, SUBMIT_SERVICE, SubmitAnswer, SubmitOutcome};
use rand::seq::SliceRandom;

use crate::client::{Asked, Client, providers};
use crate::request::{Answer, RequestError};

/// How a transaction is to be broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastOptions {
    /// When to give up, from now. Default 60 s.
    pub deadline: Duration,
    /// Whether to trace it, as in [`RequestOptions::traced`](crate::RequestOptions::traced).
    /// Default false.
    pub traced: bool,
    /// The provider, by name. Default: a random one, and another when it fails.
    pub provider: Option<String>,
}

impl Default for BroadcastOptions {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(60), traced: false, provider: None }
    }
}

/// A transaction that a provider's monerod has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastReport {
    /// Its id, computed from its bytes here; the provider said the same.
    pub txid: TxId,
    /// monerod had it before.
    pub already_known: bool,
    /// The W3C id of its trace, if it was traced.
    pub trace_id: Option<[u8; 16]>,
    /// The provider.
    pub provider: String,
    /// From the order to the provider's word.
    pub elapsed: Duration,
    /// Packets sent to that provider.
    pub packets_sent: u64,
    /// Packets received from it.
    pub packets_received: u64,
    /// How many of those sent said what an earlier one had said in vain.
    pub retransmissions: u64,
    /// The sum of all delays drawn for the packet that was answered, there and back.
    pub mixing_delay: Duration,
    /// The time that the provider spent waiting for monerod.
    pub monerod_time: Duration,
    /// How often the provider handed it to monerod.
    pub monerod_attempts: u32,
}

/// Why a transaction is not known to have been broadcast.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastError {
    /// There is nothing to send.
    #[error("the transaction is empty")]
    Empty,
    /// It is larger than a message may be, and far larger than any that monerod takes.
    #[error("{0} bytes are more than a message carries, and more than monerod takes")]
    TooLarge(usize),
    /// monerod refuses it, and will again.
    #[error("monerod rejects the transaction: {words}")]
    Rejected {
        /// Why, in words.
        words: String,
        /// What monerod named as wrong.
        flags: Vec<Flag>,
        /// The provider that said so.
        provider: String,
    },
    /// monerod could not be made to answer. To try again is safe.
    #[error("{provider} has the transaction, but its monerod is unavailable: {words}")]
    Unavailable {
        /// Why, in words.
        words: String,
        /// The provider that said so.
        provider: String,
    },
    /// A provider says "accepted" of something else: its word is worth nothing.
    #[error("{provider} says that it broadcast {theirs}, but this transaction is {ours}")]
    WrongTransaction {
        /// The provider.
        provider: String,
        /// What it says.
        theirs: String,
        /// The id computed here.
        ours: String,
    },
    /// The provider's answer cannot be read.
    #[error("{0} gave an answer that cannot be read: its version may be another")]
    BadAnswer(String),
    /// The deadline passed. The transaction may have arrived or not; to try again is safe.
    #[error("no word of the transaction within {} s: {tried}", deadline.as_secs_f32())]
    DeadlinePassed {
        /// The deadline.
        deadline: Duration,
        /// What was tried, in words.
        tried: String,
    },
    /// Nothing was sent.
    #[error("nothing was sent: {why}")]
    NotReady {
        /// Why.
        why: String,
    },
    /// The request failed otherwise; see there.
    #[error(transparent)]
    Request(RequestError),
}

impl BroadcastError {
    /// Whether another provider may do better, or the same one a moment later.
    fn is_the_providers(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::WrongTransaction { .. }
            | Self::BadAnswer(_)
            | Self::NotReady { .. }
            | Self::DeadlinePassed { .. } => true,
            Self::Request(error) => matches!(
                error,
                RequestError::UnknownService { .. }
                    | RequestError::Failed { .. }
                    | RequestError::Refused { .. }
                    | RequestError::TooLarge(_)
            ),
            Self::Empty | Self::TooLarge(_) | Self::Rejected { .. } => false,
        }
    }
}

impl Client {
    /// Hands a raw transaction (bytes, not hexadecimal) to a provider's monerod, and waits for its
    /// verdict.
    ///
    /// What the bytes are is monerod's to judge. A provider that cannot be reached, or whose
    /// monerod is away, is followed by another one, if the network has one and none was named:
    /// that is safe, because monerod takes the same transaction twice without complaint.
    pub async fn broadcast(
        &self,
        raw: &[u8],
        options: BroadcastOptions,
    ) -> Result<BroadcastReport, BroadcastError> {
        if raw.is_empty() {
            return Err(BroadcastError::Empty);
        }
        if raw.len() > Request::max_payload(SUBMIT_SERVICE) {
            return Err(BroadcastError::TooLarge(raw.len()));
        }
        let began = Instant::now();
        let document = self.document(options.deadline).await.map_err(from_request)?;
        if options.traced && !document.parameters.tracing_allowed {
            return Err(BroadcastError::Request(RequestError::TracingNotAllowed));
        }
        let mut candidates = providers(&document, SUBMIT_SERVICE, options.provider.as_deref())
            .map_err(from_request)?;
        candidates.shuffle(&mut rand::rng());

        let span = options.traced.then(|| self.spans().span(SpanName::Broadcast, None));
        let attempt = Attempt { client: self, raw, txid: TxId::of(raw).ok(), span: span.as_ref() };
        let deadline = began + options.deadline;
        let result = attempt.at_each(&candidates, began, deadline).await;
        let txid = attempt.txid;
        if let Some(span) = span {
            end_span(span, raw, txid, &result);
        }
        result
    }
}

/// One transaction and its trace.
struct Attempt<'a> {
    client: &'a Client,
    raw: &'a [u8],
    txid: Option<TxId>,
    span: Option<&'a Span>,
}

impl Attempt<'_> {
    /// Tries providers in turn, each with its share of the time that is left.
    async fn at_each(
        &self,
        candidates: &[&Descriptor],
        began: Instant,
        deadline: Instant,
    ) -> Result<BroadcastReport, BroadcastError> {
        let mut rest = candidates;
        let mut tried: Vec<String> = Vec::new();
        while let Some((provider, others)) = rest.split_first() {
            let left = deadline.saturating_duration_since(Instant::now());
            self.client.wait_ready(left).await.map_err(|error| from_request(error.into()))?;
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            let share = left / u32::try_from(rest.len()).unwrap_or(u32::MAX);
            let error = match self.at(provider, began, now + share).await {
                Err(error) if error.is_the_providers() => error,
                result => return result,
            };
            match &error {
                BroadcastError::DeadlinePassed { tried: here, .. } => tried.push(here.clone()),
                other => tried.push(other.to_string()),
            }
            if others.is_empty() {
                return Err(match error {
                    BroadcastError::DeadlinePassed { .. } => BroadcastError::DeadlinePassed {
                        deadline: deadline.saturating_duration_since(began),
                        tried: tried.join("; "),
                    },
                    other => other,
                });
            }
            tracing::warn!(provider = provider.name, %error, "trying another provider");
            rest = others;
        }
        Err(BroadcastError::NotReady { why: format!("nobody offers {SUBMIT_SERVICE}") })
    }

    async fn at(
        &self,
        provider: &Descriptor,
        began: Instant,
        deadline: Instant,
    ) -> Result<BroadcastReport, BroadcastError> {
        let trace = self.span.map(Span::context);
        let asked = Asked { service: SUBMIT_SERVICE, payload: self.raw, provider, deadline, trace };
        let answer = self.client.ask(asked, began).await.map_err(from_request)?;
        judge(self.txid, answer)
    }
}

/// Success is the provider's word for this very transaction, and nothing less.
fn judge(ours: Option<TxId>, answer: Answer) -> Result<BroadcastReport, BroadcastError> {
    let Answer { data, provider, .. } = answer;
    let Ok(said) = SubmitAnswer::decode(&data) else {
        return Err(BroadcastError::BadAnswer(provider));
    };
    let (txid, already_known) = match said.outcome {
        SubmitOutcome::Accepted { txid, already_known } => {
            let theirs = txid.map(TxId::from);
            match ours {
                Some(txid) if theirs == ours => (txid, already_known),
                _ => {
                    let name = |txid: Option<TxId>| {
                        txid.map_or_else(|| "no transaction".to_owned(), |txid| txid.to_string())
                    };
                    let (theirs, ours) = (name(theirs), name(ours));
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
    })
}

fn from_request(error: RequestError) -> BroadcastError {
    match error {
        RequestError::NotReady(why) => BroadcastError::NotReady { why: why.to_string() },
        RequestError::DeadlinePassed { provider, deadline, tried } => {
            BroadcastError::DeadlinePassed { deadline, tried: format!("to {provider}: {tried}") }
        }
        other => BroadcastError::Request(other),
    }
}

fn end_span(
    mut span: Span,
    raw: &[u8],
    txid: Option<TxId>,
    result: &Result<BroadcastReport, BroadcastError>,
) {
    span.set(Attribute::Bytes, raw.len());
    if let Some(txid) = txid {
        span.set(Attribute::Txid, txid.to_string());
    }
    match result {
        Ok(report) => {
            span.set(Attribute::Provider, report.provider.as_str());
            span.set(Attribute::Retries, report.retransmissions);
            span.ok();
        }
        Err(error) => span.fail(&error.to_string()),
    }
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
        // Bytes that are no transaction have no id that could be agreed upon.
        let error = judge(None, accepted(None)).expect_err("nothing to agree on");
        assert!(matches!(error, BroadcastError::WrongTransaction { .. }), "{error}");
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_no_success() {
        let answer = Answer { data: vec![9; 40], ..accepted(None) };
        let error = judge(None, answer).expect_err("unreadable");
        assert!(matches!(error, BroadcastError::BadAnswer(_)), "{error}");
    }

    #[test]
    fn flags_come_as_monerod_named_them() {
        let outcome = SubmitOutcome::Rejected { flags: 0b1001, words: "why".to_owned() };
        let error = judge(None, said(outcome)).expect_err("refused");
        let BroadcastError::Rejected { flags, .. } = error else { panic!("{error}") };
        assert_eq!(flags, [Flag::ALL[0], Flag::ALL[3]]);
    }
}
