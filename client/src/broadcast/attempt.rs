//! Provider after provider, until one has given its word or the deadline passes.

use std::time::{Duration, Instant};

use mixbed_directory::Descriptor;
use mixbed_monero::TxId;
use mixbed_telemetry::Span;
use mixbed_wire::message::{HOLD_SERVICE, HoldRequest, SUBMIT_SERVICE};

use super::tally::Tally;
use super::verdict::{judge, judge_hold};
use super::{BroadcastError, BroadcastReport};
use crate::client::{Asked, Client};
use crate::request::RequestError;
use crate::state::State;

/// The pause between two rounds: a provider has waited for its monerod already.
const PAUSE: Duration = Duration::from_millis(500);

/// How long it is waited for any sign of life of one provider of several, from the first packet to
/// it. At 20 % loss on all links a provider that works is silent so long one time in four, and asked
/// again later.
const UNHEARD: Duration = Duration::from_secs(8);

/// So many mean delays of a hop the first answer never takes.
const DELAYS: u32 = 24;

/// One transaction and its trace.
pub(super) struct Attempt<'a> {
    pub(super) client: &'a Client,
    pub(super) raw: &'a [u8],
    pub(super) txid: Option<TxId>,
    pub(super) span: Option<&'a Span>,
    /// The provider that was asked for.
    pub(super) wanted: Option<&'a str>,
    /// Those that are tried after all others.
    pub(super) rather_not: &'a [String],
    /// Whether another provider is asked before one's "rejected" is believed.
    pub(super) doubts: bool,
    /// When the broadcast was ordered.
    pub(super) began: Instant,
}

/// What providers are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Hand it to monerod now.
    Submit,
    /// Hand it to monerod after this time.
    Hold(Duration),
}

impl Wish {
    pub(super) fn service(self) -> &'static str {
        match self {
            Self::Submit => SUBMIT_SERVICE,
            Self::Hold(_) => HOLD_SERVICE,
        }
    }
}

impl Attempt<'_> {
    /// Tries the providers in turn but for those in `not`, and again until the deadline, unless
    /// what is wrong with them will not pass, or it was rejected: by two, if one may be wrong. Ends
    /// with the most telling error.
    pub(super) async fn at_each(
        &self,
        wish: Wish,
        not: &[String],
        deadline: Instant,
    ) -> Result<BroadcastReport, BroadcastError> {
        let mut tally = Tally::default();
        let mut first = self.candidates(wish, not)?;
        let is_last = |provider: &Descriptor| self.rather_not.contains(&provider.name);
        let last = first.split_off(first.partition_point(|provider| !is_last(provider)));
        let mut round = self.client.probed(first, deadline).await;
        round.extend(last);
        loop {
            let mut may_pass = round.is_empty();
            let mut rejected = None;
            for (position, provider) in round.iter().enumerate() {
                let now = Instant::now();
                let left = deadline.saturating_duration_since(now);
                if left.is_zero() {
                    break;
                }
                let share = left / u32::try_from(round.len() - position).unwrap_or(u32::MAX);
                let unheard = (round.len() > 1).then(|| self.unheard());
                let is_last = position + 1 == round.len();
                match self.at(wish, provider, now + share, unheard).await {
                    Err(error @ BroadcastError::Rejected { .. })
                        if self.doubts && rejected.is_none() && !is_last =>
                    {
                        tracing::info!(provider = provider.name, %error, "another one is asked");
                        rejected = Some(error);
                    }
                    Err(error) if error.is_the_providers() => {
                        let name = &provider.name;
                        tracing::warn!(provider = name, %error, "not broadcast by this provider");
                        may_pass |= error.may_pass();
                        tally.insert(name, error);
                    }
                    result => return result,
                }
            }
            // Nobody else could say.
            if let Some(rejected) = rejected {
                return Err(rejected);
            }
            if may_pass {
                let left = deadline.saturating_duration_since(Instant::now());
                tokio::time::sleep(left.min(PAUSE)).await;
            }
            if !may_pass || Instant::now() >= deadline {
                let limit = deadline.saturating_duration_since(self.began);
                return Err(tally.error(limit, "no provider could be tried in time"));
            }
            round = self.candidates(wish, not).unwrap_or_default();
        }
    }

    /// Who can be tried by the document of now, in random order.
    pub(super) fn candidates(
        &self,
        wish: Wish,
        not: &[String],
    ) -> Result<Vec<Descriptor>, RequestError> {
        let mut found = self.client.offering(wish.service(), self.wanted)?;
        found.retain(|provider| !not.contains(&provider.name));
        found.sort_by_key(|provider| self.rather_not.contains(&provider.name));
        Ok(found)
    }

    fn unheard(&self) -> Duration {
        let document = self.client.directory().current();
        let delay = document.map(|document| document.parameters.mean_hop_delay);
        UNHEARD.max(DELAYS * delay.unwrap_or_default())
    }

    async fn at(
        &self,
        wish: Wish,
        provider: &Descriptor,
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
        let held;
        let payload = match wish {
            Wish::Submit => self.raw,
            Wish::Hold(wait) => {
                held = HoldRequest { wait, raw: self.raw }.encode();
                &held
            }
        };
        let asked = Asked {
            service: wish.service(),
            payload,
            provider,
            deadline,
            unheard,
            expected: 0,
            trace: self.span.map(Span::context),
        };
        let answer = self.client.ask(asked, self.began).await;
        if answer.is_ok() {
            self.client.book().handle_heard(provider.id(), Instant::now());
        }
        match wish {
            Wish::Submit => judge(self.txid, answer?),
            Wish::Hold(_) => judge_hold(self.txid, answer?),
        }
    }
}
