//! Provider after provider, until one has given its word or the deadline passes.

use std::time::Instant;

use mixbed_directory::Descriptor;
use mixbed_monero::TxId;
use mixbed_telemetry::Span;
use mixbed_wire::message::SUBMIT_SERVICE;

use super::verdict::judge;
use super::{BroadcastError, BroadcastReport};
use crate::client::{Asked, Client};
use crate::request::RequestError;

/// One transaction and its trace.
pub(super) struct Attempt<'a> {
    pub(super) client: &'a Client,
    pub(super) raw: &'a [u8],
    pub(super) txid: Option<TxId>,
    pub(super) span: Option<&'a Span>,
}

impl Attempt<'_> {
    /// Tries providers in turn, each with its share of the time that is left.
    pub(super) async fn at_each(
        &self,
        candidates: &[&Descriptor],
        began: Instant,
        deadline: Instant,
    ) -> Result<BroadcastReport, BroadcastError> {
        let mut rest = candidates;
        let mut tried: Vec<String> = Vec::new();
        while let Some((provider, others)) = rest.split_first() {
            let left = deadline.saturating_duration_since(Instant::now());
            self.client.wait_ready(left).await.map_err(RequestError::from)?;
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
        let answer = self.client.ask(asked, began).await?;
        judge(self.txid, answer)
    }
}
