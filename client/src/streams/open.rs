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

/// A stream that is being opened.
struct Attempt<'a> {
    client: &'a Client,
    service: &'a str,
    target: &'a str,
    options: &'a StreamOptions,
    began: Instant,
    deadline: Instant,
    /// Providers whose sessions were lost before they had answered.
    lost: Vec<(NodeId, String, Reason)>,
}

/// What came of asking one provider.
enum Asked {
    Granted(Stream),
    Refused(Reason),
    DeadlinePassed,
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
    /// granted, it is asked for again, at another provider if there is one, until the deadline.
    pub async fn open(
        &self,
        service: &str,
        target: &str,
        options: StreamOptions,
    ) -> Result<Stream, StreamError> {
        let began = Instant::now();
        let deadline = deadline_after(began, options.deadline);
        let options = &options;
        let lost = Vec::new();
        let attempt = Attempt { client: self, service, target, options, began, deadline, lost };
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
            let name = self.name(session.provider);
            match self.ask(&session).await? {
                Asked::Granted(stream) => return Ok(stream),
                Asked::Refused(reason) if reason.code() == Code::SessionLost => {
                    self.lost.push((session.provider, name, reason));
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
                    return Err(StreamError::Refused { provider: name, reason });
                }
                Asked::DeadlinePassed => return Err(self.passed(Some(name))),
            }
        }
    }

    /// A session with one of those that offer the service, by weight; with one that has lost a
    /// session just now only if there is no other.
    async fn session(&self) -> Result<Session, StreamError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let document = self.client.document(left).await.map_err(StreamError::of_request)?;
        let offering = providers(&document, self.service, self.options.provider.as_deref());
        let offering = self.client.by_weight(offering.map_err(StreamError::of_request)?);
        let mut order: Vec<_> = offering.iter().map(|provider| provider.id()).collect();
        let has_lost = |id: &NodeId| self.lost.iter().any(|(lost, ..)| lost == id);
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
            Err(OpenError::Closed(reason)) => return Ok(Asked::Refused(reason)),
            opened => opened?,
        };
        if self.options.early {
            return Ok(Asked::Granted(stream));
        }
        let granted = tokio::time::timeout_at(self.deadline.into(), stream.granted()).await;
        Ok(match granted {
            Ok(Ok(())) => Asked::Granted(stream),
            Ok(Err(reason)) => Asked::Refused(reason),
            Err(_) => Asked::DeadlinePassed,
        })
    }

    /// The deadline has passed: at this provider, or between two of them.
    fn passed(mut self, provider: Option<String>) -> StreamError {
        let state = self.client.state_now();
        if !state.can_send() {
            return NotReady { waited: self.began.elapsed(), state }.into();
        }
        match (provider, self.lost.pop()) {
            (None, Some((_, provider, reason))) => StreamError::SessionLost { provider, reason },
            (provider, _) => {
                let provider = provider.unwrap_or_default();
                let deadline = self.options.deadline;
                StreamError::DeadlinePassed { provider, deadline }
            }
        }
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
