//! A stream that a client asks for, and who answers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mixbed_session::{Code, ProviderEnd, Reason, Shared, StreamId};
use mixbed_telemetry::StreamMetrics;
use mixbed_wire::ReplyBlock;

use super::Served;
use super::served::Moved;

/// A stream that is being served.
pub type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something that a provider connects clients' streams to, by name.
pub trait StreamService: Send + Sync {
    /// Its name: 1 to 63 of `a-z`, `0-9`, `-`, `_` and `.`.
    fn name(&self) -> &'static str;

    /// Answers for one stream, and serves it until its end. `target` is what the client wrote, at
    /// most [`mixbed_session::MAX_TARGET`] bytes: believe nothing of it. When the provider stops, what
    /// is returned is dropped.
    fn serve(&self, target: String, asked: Asked) -> Serving;
}

/// A stream that a client asks for. If it is dropped without an answer, the client is told that the
/// service failed.
pub struct Asked {
    shared: Arc<Shared<ProviderEnd<ReplyBlock>>>,
    stream: StreamId,
    service: &'static str,
    metrics: StreamMetrics,
    moved: Moved,
    idle: Duration,
    answered: bool,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("service", &self.service)
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(
        shared: Arc<Shared<ProviderEnd<ReplyBlock>>>,
        stream: StreamId,
        service: &'static str,
        metrics: StreamMetrics,
        moved: Moved,
        idle: Duration,
    ) -> Self {
        Self { shared, stream, service, metrics, moved, idle, answered: false }
    }

    /// Yes: the client is told, and what it has written already can be read.
    #[must_use]
    pub fn grant(mut self) -> Served {
        self.answered = true;
        self.metrics.asked(self.service, "granted");
        let stream = self.shared.grant(self.stream);
        Served::new(stream, self.metrics.served(self.service), self.moved.clone(), self.idle)
    }

    /// No, and why.
    pub fn refuse(mut self, reason: Reason) {
        self.say_no(reason);
    }

    fn say_no(&mut self, reason: Reason) {
        self.answered = true;
        self.metrics.asked(self.service, label(reason.code()));
        tracing::debug!(service = self.service, code = label(reason.code()), "a stream is refused");
        self.shared.refuse(self.stream, reason);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.answered {
            let words = "the service ended without an answer; the provider's log may say why";
            self.say_no(Reason::new(Code::Failed, words));
        }
    }
}

/// A code as a metric's label.
pub(super) const fn label(code: Code) -> &'static str {
    match code {
        Code::Forbidden => "forbidden",
        Code::NameNotFound => "name_not_found",
        Code::Refused => "refused",
        Code::Unreachable => "unreachable",
        Code::TimedOut => "timed_out",
        Code::Busy => "busy",
        Code::UnknownService => "unknown_service",
        Code::Closed => "closed",
        Code::Failed => "failed",
        Code::SessionLost => "session_lost",
        Code::IdleTooLong => "idle_too_long",
        Code::Stopped => "stopped",
    }
}
