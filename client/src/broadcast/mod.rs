//! A Monero transaction on its way to a provider's monerod.

mod attempt;
mod book;
mod confirm;
mod error;
mod locate;
mod probe;
mod report;
mod tally;
mod verdict;
mod wait;

use std::time::{Duration, Instant};

use mixbed_monero::TxId;
use mixbed_telemetry::{Attribute, Span, SpanName};
use mixbed_wire::message::{HOLD_SERVICE, HoldRequest, Request, SUBMIT_SERVICE};

use crate::client::{Client, deadline_after, providers};
use crate::request::RequestError;
use attempt::{Attempt, Wish};
pub(crate) use book::ProviderBook;
pub use book::{Promise, SuspectProvider};
use confirm::{Confirmation, Propagation};
pub use error::BroadcastError;
pub use locate::{LocateError, Located, Sighting};
pub use report::{BroadcastOptions, BroadcastReport};
pub use wait::MAX_MEAN_WAIT;
pub(crate) use wait::draw as draw_wait;

impl Client {
    /// Hands a raw transaction (bytes, not hexadecimal) to a provider's monerod, and waits for its
    /// verdict; and then, if that is wished, until another provider knows of it.
    ///
    /// What the bytes are is monerod's to judge. A provider that cannot be reached, or whose
    /// monerod is away, is followed by another one, if the network has one and none was named, and
    /// all are asked again until the deadline: that is safe, because monerod takes the same
    /// transaction twice without complaint. A provider whose word is not true is named
    /// ([`BroadcastReport::found_out`], [`Client::suspects`]), and another one gets the
    /// transaction.
    pub async fn broadcast(
        &self,
        raw: &[u8],
        options: BroadcastOptions,
    ) -> Result<BroadcastReport, BroadcastError> {
        if raw.is_empty() {
            return Err(BroadcastError::Empty);
        }
        if raw.len() + HoldRequest::OVERHEAD > Request::max_payload(SUBMIT_SERVICE) {
            return Err(BroadcastError::TooLarge(raw.len()));
        }
        self.take_course(raw, options, None).await
    }

    /// Sees to it that a transaction is known to another provider than the one that has it by its
    /// own word, as a [`broadcast`](Self::broadcast) without [`BroadcastOptions::confirm`] reported,
    /// and goes on as that would if it is not.
    pub async fn confirm(
        &self,
        raw: &[u8],
        report: BroadcastReport,
        options: BroadcastOptions,
    ) -> Result<BroadcastReport, BroadcastError> {
        let options = BroadcastOptions { confirm: true, random_wait: None, ..options };
        self.take_course(raw, options, Some(report)).await
    }

    async fn take_course(
        &self,
        raw: &[u8],
        options: BroadcastOptions,
        accepted: Option<BroadcastReport>,
    ) -> Result<BroadcastReport, BroadcastError> {
        let began = Instant::now();
        let document = self.document(options.deadline).await.map_err(BroadcastError::from)?;
        if options.traced && !document.parameters.tracing_allowed {
            return Err(BroadcastError::Request(RequestError::TracingNotAllowed));
        }
        let wanted = options.provider.as_deref();
        providers(&document, SUBMIT_SERVICE, wanted)?;
        if options.random_wait.is_some() {
            providers(&document, HOLD_SERVICE, wanted)?;
        }
        let span = options.traced.then(|| self.spans().span(SpanName::Broadcast, None));
        let (txid, span_of) = (TxId::of(raw).ok(), span.as_ref());
        let rather_not = &options.not;
        let (client, doubts) = (self, options.confirm);
        let attempt =
            Attempt { client, raw, txid, span: span_of, wanted, rather_not, doubts, began };
        let found_out = Vec::new();
        let mut course = Course { attempt, options: &options, accepted, held: None, found_out };
        let mut result = course.run().await;
        if let Ok(report) = &mut result {
            report.found_out = course.found_out;
            report.held = course.held;
        }
        if let Some(span) = span {
            end_span(span, raw, txid, &result);
        }
        result
    }

    /// The providers that did not do what they said, as far as this process found out in the last
    /// hour, the latest first. They are asked last.
    #[must_use]
    pub fn suspects(&self) -> Vec<SuspectProvider> {
        self.book().suspects(Instant::now())
    }

    /// Asks a provider to hold a transaction for this time: its word, and when the wait is over.
    pub(crate) async fn hold(
        &self,
        raw: &[u8],
        wait: Duration,
        options: &BroadcastOptions,
    ) -> Result<BroadcastReport, BroadcastError> {
        let began = Instant::now();
        let deadline = deadline_after(began, options.deadline);
        self.document(options.deadline).await.map_err(BroadcastError::from)?;
        let (txid, wanted) = (TxId::of(raw).ok(), options.provider.as_deref());
        let rather_not = &options.not;
        let (client, doubts) = (self, false);
        let attempt = Attempt { client, raw, txid, span: None, wanted, rather_not, doubts, began };
        attempt.at_each(Wish::Hold(wait), &[], deadline).await
    }
}

/// A broadcast from its order to its end.
struct Course<'a> {
    attempt: Attempt<'a>,
    options: &'a BroadcastOptions,
    /// What a provider has said before.
    accepted: Option<BroadcastReport>,
    held: Option<Duration>,
    /// Those whose word was not true.
    found_out: Vec<SuspectProvider>,
}

impl Course<'_> {
    async fn run(&mut self) -> Result<BroadcastReport, BroadcastError> {
        let began = self.attempt.began;
        let mut deadline = deadline_after(began, self.options.deadline);
        if let Some(mean) = self.options.random_wait {
            let wait = draw_wait(mean, &mut rand::rng());
            let report = self.held(wait, deadline).await?;
            if report.confirmed_by.is_some() {
                return Ok(report);
            }
            // Whoever held it did not hand it in, or nobody can say: it is handed in now.
            deadline = deadline_after(Instant::now(), self.options.deadline);
        }
        loop {
            let not = self.not();
            let mut report = match self.accepted.take() {
                Some(report) => report,
                None => self.attempt.at_each(Wish::Submit, &not, deadline).await?,
            };
            let (Some(txid), true) = (self.attempt.txid, self.options.confirm) else {
                return Ok(report);
            };
            let time = self.propagation(&report.provider, deadline);
            let not: Vec<_> = not.into_iter().chain([report.provider.clone()]).collect();
            match self.attempt.client.ask_others(txid, &not, time).await {
                Confirmation::By(other) => report.confirmed_by = Some(other),
                Confirmation::Unanswered => {}
                Confirmation::Denied { by, after } => {
                    let provider = report.provider.clone();
                    self.found_out(&provider, txid, Promise::Accepted, by.clone(), after);
                    let left = self.attempt.candidates(Wish::Submit, &self.not());
                    if left.is_ok_and(|left| !left.is_empty()) && Instant::now() < deadline {
                        continue;
                    }
                    return Err(BroadcastError::Unconfirmed { provider, denied_by: by, after });
                }
            }
            return Ok(report);
        }
    }

    /// Has it held by one provider, and looks for it when the time has come.
    async fn held(
        &mut self,
        wait: Duration,
        deadline: Instant,
    ) -> Result<BroadcastReport, BroadcastError> {
        let Some(txid) = self.attempt.txid else { return Err(BroadcastError::CannotWait) };
        let client = self.attempt.client;
        let mut report = self.attempt.at_each(Wish::Hold(wait), &self.not(), deadline).await?;
        let holder = report.provider.clone();
        self.held = report.held;
        tokio::time::sleep(report.held.unwrap_or_default()).await;
        let deadline = deadline_after(Instant::now(), self.options.deadline);
        let time = self.propagation(&holder, deadline);
        match client.ask_others(txid, std::slice::from_ref(&holder), time).await {
            Confirmation::By(other) => report.confirmed_by = Some(other),
            Confirmation::Denied { by, after } => {
                self.found_out(&holder, txid, Promise::Held, by, after);
            }
            // Its own word will do as well as it does of a submission; but that is asked for anew.
            Confirmation::Unanswered => {}
        }
        Ok(report)
    }

    /// How long a transaction that a provider has now may be on its way between monerods: so that
    /// another one has its time, if there is one.
    fn propagation(&self, provider: &str, deadline: Instant) -> Propagation {
        let since = Instant::now();
        let not = [self.not(), vec![provider.to_owned()]].concat();
        let others = self.attempt.candidates(Wish::Submit, &not).unwrap_or_default();
        let left = deadline.saturating_duration_since(since);
        let left = if others.is_empty() { left } else { left / 2 };
        let end = since + left.min(self.options.propagation);
        // A word that came late leaves too little time for blame.
        let meant = self.options.propagation.min(self.options.deadline / 3);
        Propagation { since, end, deadline, meant }
    }

    fn found_out(
        &mut self,
        provider: &str,
        txid: TxId,
        promise: Promise,
        by: String,
        after: Duration,
    ) {
        let client = self.attempt.client;
        self.found_out.push(client.found_out(provider, txid, promise, by, after));
    }

    /// Who is not to be given it.
    fn not(&self) -> Vec<String> {
        self.found_out.iter().map(|suspect| suspect.provider.clone()).collect()
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
