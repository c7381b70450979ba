//! Opening a stream: a provider, a session with it, its word.

use std::time::{Duration, Instant};

use mixbed_session::{Code, OpenError, Reason, Stream};
use mixbed_wire::NodeId;
use tokio::sync::oneshot;

use super::{StreamError, StreamOptions};
use crate::client::{Client, deadline_after, providers};
use crate::core::{Session, SessionError};
use crate::shell::Opening;
use crate::state::NotReady;

/// The pause before another try, when a session was lost before it granted the stream.
const PAUSE: Duration = Duration::from_millis(100);

/// So many providers are asked for a stream that others refuse: what one may not connect to, or cannot,
/// another one may. No more, as each of them learns the target.
const ASKED: usize = 3;

/// A stream that is being opened.
struct Attempt<'a> {
    client: &'a Client,
    service: &'a str,
    target: &'a str,
    options: &'a StreamOptions,
    began: Instant,
    deadline: Instant,
    /// Providers whose sessions were lost before they had answered: asked again, after the others.
    lost: Vec<Failed>,
    /// Those that have refused: not asked again.
    refused: Vec<Failed>,
}

/// A provider that did not grant a stream.
struct Failed {
    provider: NodeId,
    name: String,
    reason: Reason,
}

/// What came of asking one provider.
enum Asked {
    Granted(Stream),
    Refused(Reason),
    /// The session ended before there was an answer.
    Lost(Reason),
    /// Others have filled the session meanwhile.
    Full,
    DeadlinePassed,
}

impl Asked {
    /// Why a stream was not granted: by the provider's will, or because the session is no more.
    fn of(reason: Reason) -> Self {
        match reason.code() {
            Code::SessionLost | Code::IdleTooLong => Self::Lost(reason),
            _ => Self::Refused(reason),
        }
    }
}

impl Client {
    /// Opens a stream to a service of a provider: bytes in order, both ways, each direction with an
    /// end of its own. `target` is what the service makes of it: `host:port` for `tcp`, nothing
    /// for `echo`.
    ///
    /// Returns once the provider has granted it: for `tcp`, once it is connected to the target.
    /// Whatever goes wrong later is an error of the stream ([`std::io::Error`]), with the
    /// [`Reason`] within.
    ///
    /// Streams to the same provider share a session, unless
    /// [`StreamOptions::isolation`] sets them apart. If the session is lost before the stream is
    /// granted, it is asked for again, at another provider if there is one, until the deadline. One
    /// that refuses is not asked again, but up to two others are, unless
    /// [`StreamOptions::provider`] names one.
    pub async fn open(
        &self,
        service: &str,
        target: &str,
        options: StreamOptions,
    ) -> Result<Stream, StreamError> {
        let began = Instant::now();
        let deadline = deadline_after(began, options.deadline);
        let options = &options;
        let (lost, refused) = (Vec::new(), Vec::new());
        let attempt =
            Attempt { client: self, service, target, options, began, deadline, lost, refused };
        let opened = tokio::select! {
            biased;
            opened = attempt.run() => opened,
            () = self.stopped() => Err(StreamError::Stopped),
        };
        self.metrics().stream(opened.as_ref().map_or_else(StreamError::kind, |_| "opened"));
        opened
    }
}

impl Attempt<'_> {
    async fn run(mut self) -> Result<Stream, StreamError> {
        loop {
            let session = self.session().await?;
            let provider = session.provider;
            let name = self.name(provider);
            match self.ask(&session).await? {
                Asked::Granted(stream) => return Ok(stream),
                Asked::Full => {}
                Asked::Lost(reason) => {
                    self.lost.push(Failed { provider, name, reason });
                    let again = tokio::time::Instant::now() + PAUSE;
                    if again.into_std() >= self.deadline {
                        return Err(self.passed(None));
                    }
                    tokio::time::sleep_until(again).await;
                }
                Asked::Refused(reason) if reason.code() == Code::Stopped && self.is_stopped() => {
                    return Err(StreamError::Stopped);
                }
                Asked::Refused(reason) => {
                    tracing::debug!(code = ?reason.code(), "a stream was refused");
                    self.refused.push(Failed { provider, name, reason });
                }
                Asked::DeadlinePassed => return Err(self.passed(Some(name))),
            }
        }
    }

    /// A session with one of those that offer the service, by weight; with one that has lost a
    /// session just now only if there is no other, and with none that has refused.
    async fn session(&mut self) -> Result<Session, StreamError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let document = self.client.document(left).await.map_err(StreamError::of_request)?;
        let offering = providers(&document, self.service, self.options.provider.as_deref());
        let offering = self.client.by_weight(offering.map_err(StreamError::of_request)?);
        let mut order: Vec<_> = offering.iter().map(|provider| provider.id()).collect();
        order.retain(|id| self.refused.iter().all(|refused| refused.provider != *id));
        if (order.is_empty() || self.refused.len() >= ASKED)
            && let Some(refusal) = self.refusal()
        {
            return Err(refusal);
        }
        let has_lost = |id: &NodeId| self.lost.iter().any(|lost| lost.provider == *id);
        order.sort_by_key(has_lost);
        if let Some(others) = order.iter().position(has_lost).filter(|others| *others > 0) {
            order.truncate(others);
        }
        let (reply, answer) = oneshot::channel();
        let isolation = self.options.isolation.clone();
        let opening = Opening { providers: order, isolation, reply };
        self.client.openings().send(opening).await.map_err(|_| StreamError::Stopped)?;
        match answer.await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(error @ SessionError::TooMany)) => Err(StreamError::TooManySessions(error)),
            Ok(Err(SessionError::NoProvider)) | Err(_) => Err(StreamError::Stopped),
        }
    }

    async fn ask(&self, session: &Session) -> Result<Asked, StreamError> {
        let mut stream = match session.end.open(self.service, self.target, Instant::now()) {
            // It ended meanwhile.
            Err(OpenError::Closed(reason)) => return Ok(Asked::of(reason)),
            Err(OpenError::TooMany(_)) => return Ok(Asked::Full),
            opened => opened?,
        };
        if self.options.early {
            return Ok(Asked::Granted(stream));
        }
        let granted = tokio::time::timeout_at(self.deadline.into(), stream.granted()).await;
        Ok(match granted {
            Ok(Ok(())) => Asked::Granted(stream),
            Ok(Err(reason)) => Asked::of(reason),
            Err(_) => Asked::DeadlinePassed,
        })
    }

    /// The deadline has passed: at this provider, or between two of them.
    fn passed(mut self, provider: Option<String>) -> StreamError {
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        let state = self.client.state_now();
        if !state.can_send() {
            return NotReady { waited: self.began.elapsed(), state }.into();
        }
        match (provider, self.lost.pop()) {
            (None, Some(Failed { name: provider, reason, .. })) => {
                StreamError::SessionLost { provider, reason }
            }
            (provider, _) => {
                let provider = provider.unwrap_or_default();
                let deadline = self.options.deadline;
                StreamError::DeadlinePassed { provider, deadline }
            }
        }
    }

    /// What those that refused say, in the words of the one that knows most of the target.
    fn refusal(&mut self) -> Option<StreamError> {
        let most = std::mem::take(&mut self.refused).into_iter().min_by_key(|refused| {
            match refused.reason.code() {
                // It has tried to connect.
                Code::Refused | Code::Unreachable | Code::TimedOut | Code::NameNotFound => 0,
                Code::Forbidden => 1,
                _ => 2,
            }
        });
        most.map(|Failed { name: provider, reason, .. }| StreamError::Refused { provider, reason })
    }

    fn is_stopped(&self) -> bool {
        self.client.state_now() == crate::state::State::Stopped
    }

    fn name(&self, provider: NodeId) -> String {
        let document = self.client.directory().current();
        let node = document.as_ref().and_then(|document| document.node(&provider));
        node.map_or_else(|| provider.to_string(), |node| node.name.clone())
    }
}
