//! A Monero transaction on its way to a provider's monerod.

mod attempt;
mod error;
mod report;
mod tally;
mod verdict;

use std::time::Instant;

use mixbed_monero::TxId;
use mixbed_telemetry::{Attribute, Span, SpanName};
use mixbed_wire::message::{Request, SUBMIT_SERVICE};

use crate::client::{Client, deadline_after, providers};
use crate::request::RequestError;
use attempt::Attempt;
pub use error::BroadcastError;
pub use report::{BroadcastOptions, BroadcastReport};

impl Client {
    /// Hands a raw transaction (bytes, not hexadecimal) to a provider's monerod, and waits for its
    /// verdict.
    ///
    /// What the bytes are is monerod's to judge. A provider that cannot be reached, or whose
    /// monerod is away, is followed by another one, if the network has one and none was named, and
    /// all are asked again until the deadline: that is safe, because monerod takes the same
    /// transaction twice without complaint.
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
        let document = self.document(options.deadline).await.map_err(BroadcastError::from)?;
        if options.traced && !document.parameters.tracing_allowed {
            return Err(BroadcastError::Request(RequestError::TracingNotAllowed));
        }
        let candidates = providers(&document, SUBMIT_SERVICE, options.provider.as_deref())
            .map_err(BroadcastError::from)?;
        let candidates = self.by_weight(candidates);

        let span = options.traced.then(|| self.spans().span(SpanName::Broadcast, None));
        let attempt = Attempt { client: self, raw, txid: TxId::of(raw).ok(), span: span.as_ref() };
        let deadline = deadline_after(began, options.deadline);
        let candidates = candidates.into_iter().cloned().collect();
        let wanted = options.provider.as_deref();
        let result = attempt.at_each(candidates, wanted, began, deadline).await;
        let txid = attempt.txid;
        if let Some(span) = span {
            end_span(span, raw, txid, &result);
        }
        result
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
