//! Provider after provider, until one has given its word or the deadline passes.

use std::time::{Duration, Instant};

use mixbed_directory::Descriptor;
use mixbed_monero::TxId;
use mixbed_telemetry::Span;
use mixbed_wire::message::SUBMIT_SERVICE;

use super::tally::Tally;
use super::verdict::judge;
use super::{BroadcastError, BroadcastReport};
use crate::client::{Asked, Client, providers};
use crate::request::RequestError;
use crate::state::State;

/// The pause between two rounds: a provider has waited for its monerod already.
const PAUSE: Duration = Duration::from_millis(500);

/// How long it is waited for any sign of life of one provider of several. At 20 % loss on all links
/// a provider that works is silent so long one time in four, and asked again later.
const UNHEARD: Duration = Duration::from_secs(8);

/// One transaction and its trace.
pub(super) struct Attempt<'a> {
    pub(super) client: &'a Client,
    pub(super) raw: &'a [u8],
    pub(super) txid: Option<TxId>,
    pub(super) span: Option<&'a Span>,
}

impl Attempt<'_> {
    /// Tries the providers in turn, and again until the deadline, unless what is wrong with them
    /// will not pass. Ends with the most telling error.
    pub(super) async fn at_each(
        &self,
        first: Vec<Descriptor>,
        wanted: Option<&str>,
        began: Instant,
        deadline: Instant,
    ) -> Result<BroadcastReport, BroadcastError> {
        let mut tally = Tally::default();
        let mut round = first;
        loop {
            let mut may_pass = round.is_empty();
            for (position, provider) in round.iter().enumerate() {
                let now = Instant::now();
                let left = deadline.saturating_duration_since(now);
                if left.is_zero() {
                    break;
                }
                let share = left / u32::try_from(round.len() - position).unwrap_or(u32::MAX);
                let unheard = (round.len() > 1).then_some(UNHEARD);
                match self.at(provider, began, now + share, unheard).await {
                    Err(error) if error.is_the_providers() => {
                        let name = &provider.name;
                        tracing::warn!(provider = name, %error, "not broadcast by this provider");
                        may_pass |= error.may_pass();
                        tally.insert(name, error);
                    }
                    result => return result,
                }
            }
            if may_pass {
                let left = deadline.saturating_duration_since(Instant::now());
                tokio::time::sleep(left.min(PAUSE)).await;
            }
            if !may_pass || Instant::now() >= deadline {
                let limit = deadline.saturating_duration_since(began);
                return Err(tally.error(limit, "no provider could be tried in time"));
            }
            round = self.offering(wanted);
        }
    }

    /// Who offers it by the document of now, in random order.
    fn offering(&self, wanted: Option<&str>) -> Vec<Descriptor> {
        let Some(document) = self.client.directory().current() else { return Vec::new() };
        let found = providers(&document, SUBMIT_SERVICE, wanted).unwrap_or_default();
        self.client.by_weight(found).into_iter().cloned().collect()
    }

    async fn at(
        &self,
        provider: &Descriptor,
        began: Instant,
        deadline: Instant,
        unheard: Option<Duration>,
    ) -> Result<BroadcastReport, BroadcastError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Err(error) = self.client.wait_ready(left).await {
            return Err(match error.state {
                State::Stopped => RequestError::Stopped.into(),
                _ => RequestError::from(error).into(),
            });
        }
        let trace = self.span.map(Span::context);
        let asked = Asked {
            service: SUBMIT_SERVICE,
            payload: self.raw,
            provider,
            deadline,
            unheard,
            expected: 0,
            trace,
        };
        let answer = self.client.ask(asked, began).await?;
        judge(self.txid, answer)
    }
}
