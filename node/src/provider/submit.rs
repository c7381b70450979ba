//! `monero.submit`: raw transaction in, monerod's verdict out.

use std::time::Duration;

use mixbed_monero::submit::CallKind;
use mixbed_monero::{Daemon, Flag, Outcome, Rejection, Report};
use mixbed_telemetry::{Attribute, ProviderMetrics, Service as Spans, Span, SpanName, Value};
use mixbed_wire::message::{Response, SUBMIT_SERVICE, SubmitAnswer, SubmitOutcome};

use super::service::{Answering, Question, Reply, Service};

/// Kept back from the limit, so that "monerod is unavailable" is still said within it.
const RESERVE: Duration = Duration::from_millis(200);

/// Hands transactions to a monerod.
pub struct Submit {
    daemon: Daemon,
    patience: Duration,
    spans: Spans,
    metrics: ProviderMetrics,
}

impl std::fmt::Debug for Submit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submit").field("daemon", &self.daemon).finish_non_exhaustive()
    }
}

impl Submit {
    /// The service in front of `daemon`, which may be away or busy for as long as `patience`.
    #[must_use]
    pub fn new(daemon: Daemon, patience: Duration, spans: Spans, metrics: ProviderMetrics) -> Self {
        Self { daemon, patience, spans, metrics }
    }

    async fn submit(&self, question: Question) -> Reply {
        let limit = self.patience.min(question.limit.saturating_sub(RESERVE));
        let span =
            question.trace.map(|parent| self.spans.span(SpanName::ProviderSubmit, Some(parent)));
        let below = span.as_ref().map(Span::context);
        let call = below.map(|parent| self.spans.span(SpanName::Monerod, Some(parent)));

        let report = mixbed_monero::submit(&self.daemon, &question.payload, limit).await;

        if let Some(call) = call {
            end_call(call, &report);
        }
        self.count(&report);
        let answer = answer(&report);
        if let Some(span) = span {
            end_submit(span, &report);
        }
        Reply { response: Response::Ok(answer.encode()), outcome: outcome(&report.outcome) }
    }

    fn count(&self, report: &Report) {
        for call in &report.calls {
            self.metrics.monerod_seconds.observe(call.took);
        }
        self.metrics.monerod_retries.inc_by(u64::from(report.attempts.saturating_sub(1)));
    }
}

impl Service for Submit {
    fn name(&self) -> &'static str {
        SUBMIT_SERVICE
    }

    fn handle(&self, question: Question) -> Answering<'_> {
        Box::pin(self.submit(question))
    }
}

/// What the client is told.
fn answer(report: &Report) -> SubmitAnswer {
    let outcome = match &report.outcome {
        Outcome::Accepted { txid, already_known } => SubmitOutcome::Accepted {
            txid: txid.map(|txid| *txid.as_bytes()),
            already_known: *already_known,
        },
        Outcome::Rejected(rejection) => {
            SubmitOutcome::Rejected { flags: bits(rejection), words: rejection.to_string() }
        }
        Outcome::Unavailable { why } => SubmitOutcome::Unavailable { words: why.clone() },
    };
    SubmitAnswer { outcome, attempts: report.attempts, monerod_time: report.daemon_time() }
}

/// A rejection's flags as [`SubmitOutcome::Rejected`] has them.
fn bits(rejection: &Rejection) -> u32 {
    let set = |(bit, flag)| if rejection.has(flag) { 1_u32 << bit } else { 0 };
    (0_u32..).zip(Flag::ALL).map(set).sum()
}

fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { already_known: false, .. } => "accepted",
        Outcome::Accepted { already_known: true, .. } => "already_known",
        Outcome::Rejected(_) => "rejected",
        Outcome::Unavailable { .. } => "unavailable",
    }
}

fn end_submit(mut span: Span, report: &Report) {
    if let Some(txid) = report.txid {
        span.set(Attribute::Txid, txid.to_string());
    }
    span.set(Attribute::Outcome, outcome(&report.outcome));
    span.set(Attribute::Retries, report.attempts.saturating_sub(1));
    match &report.outcome {
        Outcome::Accepted { .. } => span.ok(),
        other => span.fail(&other.to_string()),
    }
}

/// The span covers all calls of a submission; each is an event in it. Usually there is one.
fn end_call(mut span: Span, report: &Report) {
    span.set(Attribute::Method, "/send_raw_transaction");
    span.set(Attribute::Attempt, report.attempts);
    for call in &report.calls {
        let method = match call.kind {
            CallKind::Submit => "/send_raw_transaction",
            CallKind::Locate => "/get_transactions",
        };
        span.event(
            "call",
            [
                (Attribute::Method, Value::from(method)),
                (Attribute::Other("mixbed.started_us"), call.started.into()),
                (Attribute::Other("mixbed.took_us"), call.took.into()),
                (Attribute::Other("mixbed.answer"), call.answer.as_str().into()),
            ],
        );
    }
    match &report.outcome {
        Outcome::Unavailable { why } => span.fail(why),
        _ => span.ok(),
    }
}
