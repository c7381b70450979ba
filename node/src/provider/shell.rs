//! The shell around an exchange: worker threads bring plaintexts, tokio runs the services.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use mixbed_telemetry::{Context, ProviderMetrics, Service as Spans, SpanName};
use mixbed_wire::message::{Answer, Response, SUBMIT_SERVICE};
use mixbed_wire::{DropReason, Packet, ReplyBlock, SealedReply, TraceContext};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::exchange::{Call, Exchange, Incoming};
use super::service::{Question, Reply, Service};
use super::sessions::{EchoStream, SessionPacket, Sessions, StreamService, Tcp};
use super::{Echo, Hold, Known, ProviderConfig, Rpc, RpcStream, Submit};
use crate::core::Came;

/// How often old messages are looked for when no packet comes.
const SWEEP: Duration = Duration::from_secs(5);

/// What a packet brought to the end of its route.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What the client sealed.
    pub plaintext: Vec<u8>,
    /// The packet's trace.
    pub trace: Option<TraceContext>,
}

/// Where a provider's replies leave: by the node's mixing pool and its links.
pub trait ReplySink: Send + Sync {
    /// Sends a reply to its first hop when it has waited, or drops it and counts why. Its block came
    /// at `came`. Does not block.
    fn send(&self, reply: SealedReply, came: Instant);
}

/// A provider at work. Cheap to clone; it stops when the last clone is dropped and the last
/// request is answered.
#[derive(Clone)]
pub struct Provider {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("services", &self.services()).finish_non_exhaustive()
    }
}

struct Inner {
    exchange: Mutex<Exchange<Came<ReplyBlock>>>,
    services: Vec<Arc<dyn Service>>,
    /// None where no service takes streams.
    sessions: Option<Sessions>,
    replies: Arc<dyn ReplySink>,
    turns: Semaphore,
    limit: Duration,
    spans: Spans,
    metrics: ProviderMetrics,
    runtime: Handle,
}

impl Provider {
    /// Starts a provider with the services of `config`. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(
        mut config: ProviderConfig,
        replies: Arc<dyn ReplySink>,
        spans: Spans,
        metrics: ProviderMetrics,
    ) -> Self {
        let mut services: Vec<Arc<dyn Service>> = Vec::new();
        let mut streams: Vec<Arc<dyn StreamService>> = Vec::new();
        if config.echo {
            services.push(Arc::new(Echo));
            streams.push(Arc::new(EchoStream));
        }
        if let Some(daemon) = config.monerod.take() {
            let asked = config.monerod_restricted.take().unwrap_or_else(|| daemon.clone());
            let patience = config.monerod_patience;
            let rpc = Arc::new(Rpc::new(asked, metrics.clone()));
            streams.push(Arc::new(RpcStream::new(Arc::clone(&rpc))));
            services.push(rpc);
            services.push(Arc::new(Known::new(daemon.clone())));
            services.push(Arc::new(Hold::new(daemon.clone(), patience, metrics.clone())));
            let (spans, metrics) = (spans.clone(), metrics.clone());
            services.push(Arc::new(Submit::new(daemon, patience, spans, metrics)));
        }
        if !config.tcp.targets.is_empty() {
            streams.push(Arc::new(Tcp::new(config.tcp.clone(), &config.sessions)));
        }
        Self::assemble(&config, services, streams, replies, spans, metrics)
    }

    /// Starts a provider with any services, and without streams.
    #[must_use]
    pub fn with_services(
        config: &ProviderConfig,
        services: Vec<Arc<dyn Service>>,
        replies: Arc<dyn ReplySink>,
        spans: Spans,
        metrics: ProviderMetrics,
    ) -> Self {
        Self::assemble(config, services, Vec::new(), replies, spans, metrics)
    }

    fn assemble(
        config: &ProviderConfig,
        services: Vec<Arc<dyn Service>>,
        streams: Vec<Arc<dyn StreamService>>,
        replies: Arc<dyn ReplySink>,
        spans: Spans,
        metrics: ProviderMetrics,
    ) -> Self {
        let sessions = (!streams.is_empty()).then(|| {
            Sessions::new(config.sessions, streams, Arc::clone(&replies), metrics.streams())
        });
        let inner = Arc::new(Inner {
            exchange: Mutex::new(Exchange::new(config.bounds)),
            services,
            sessions,
            replies,
            turns: Semaphore::new(config.concurrency),
            limit: config.limit,
            spans,
            metrics,
            runtime: Handle::current(),
        });
        tokio::spawn(sweep(Arc::downgrade(&inner)));
        Self { inner }
    }

    /// The names of its services, for its descriptor.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.inner.services.iter().map(|service| service.name().to_owned()).collect();
        for name in self.inner.sessions.iter().flat_map(Sessions::services) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Whether it works on a request, or something moves on a stream.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        if self.inner.sessions.as_ref().is_some_and(Sessions::is_busy) {
            return true;
        }
        let [_, running, _] = self.inner.exchange().held();
        running > 0
    }

    /// Ends all sessions, and takes no new ones: clients are told. Takes some 100 µs a session.
    pub fn end_sessions(&self) {
        if let Some(sessions) = &self.inner.sessions {
            sessions.leave();
        }
    }

    /// Takes what a packet brought. Does not block: replies that are due are sealed here (some
    /// 100 µs each), services run elsewhere.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] and [`DropReason::TooManyMessages`].
    pub fn deliver(&self, delivery: Delivery) -> Result<(), DropReason> {
        let Delivery { plaintext, trace } = delivery;
        let now = Instant::now();
        let incoming = Incoming::read::<Packet>(&plaintext)?;
        let incoming = match (incoming, &self.inner.sessions) {
            (Incoming::Cover, _) => return Ok(()),
            (Incoming::Session { session, number, frames, blocks }, Some(sessions)) => {
                return sessions.deliver(SessionPacket { session, number, frames, blocks });
            }
            (incoming, _) => incoming,
        };
        let incoming = incoming.with_blocks(|block| Came { block, at: now });
        let result = self.inner.exchange().handle(incoming, trace, now);
        self.inner.act();
        result
    }
}

impl Inner {
    fn exchange(&self) -> MutexGuard<'_, Exchange<Came<ReplyBlock>>> {
        // Its methods leave it whole at every point where they could panic.
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what the exchange wants done. The lock is not held while replies are sealed.
    fn act(self: &Arc<Self>) {
        let mut replies = Vec::new();
        {
            let mut exchange = self.exchange();
            while let Some(reply) = exchange.poll_reply() {
                replies.push(reply);
            }
            while let Some(call) = exchange.poll_call() {
                self.runtime.spawn(Arc::clone(self).serve(call));
            }
        }
        for (block, answer) in replies {
            self.reply(block, &answer);
        }
    }

    fn reply(&self, Came { block, at }: Came<ReplyBlock>, answer: &Answer) {
        match block.reply(&answer.encode()) {
            Ok(reply) => self.replies.send(reply, at),
            // No answer is longer than a packet: this would be a mistake of ours.
            Err(error) => tracing::error!(%error, "a reply could not be sealed"),
        }
    }

    async fn serve(self: Arc<Self>, call: Call) {
        let Call { message, service, payload, trace } = call;
        let began = Instant::now();
        let found = self.services.iter().find(|offered| offered.name() == service).cloned();
        let (label, reply) = match found {
            None => {
                let response = Response::UnknownService;
                ("unknown", Reply { response, outcome: "unknown_service" })
            }
            Some(service) => {
                let trace = trace.and_then(|t| Context::from_bytes(t.trace_id, t.span_id));
                (service.name(), self.run(service, payload, trace).await)
            }
        };
        self.metrics.request(label, reply.outcome, began.elapsed());
        self.exchange().handle_response(message, &reply.response, Instant::now());
        self.act();
    }

    /// Waits for a turn, then runs the service; whatever happens, there is an answer.
    async fn run(
        &self,
        service: Arc<dyn Service>,
        payload: Vec<u8>,
        trace: Option<Context>,
    ) -> Reply {
        let name = service.name();
        let span = trace
            .filter(|_| name != SUBMIT_SERVICE)
            .map(|parent| self.spans.span(SpanName::ProviderRequest, Some(parent)));
        let end = tokio::time::Instant::now() + self.limit;
        let failed = |words: String, outcome| {
            tracing::warn!(service = name, outcome, "{words}");
            Reply { response: Response::Failed(words), outcome }
        };
        let too_late = |_| {
            let words = format!("{name} gave no answer within {} s", self.limit.as_secs_f32());
            failed(words, "too_slow")
        };
        let reply = match tokio::time::timeout_at(end, self.turns.acquire()).await {
            Err(late) => too_late(late),
            Ok(_turn) => {
                let limit = end.saturating_duration_since(tokio::time::Instant::now());
                let question = Question { payload, trace, limit };
                // A task of its own: a service that panics takes nothing with it.
                let task = tokio::spawn(async move { service.handle(question).await });
                let abort = task.abort_handle();
                match tokio::time::timeout_at(end, task).await {
                    Ok(Ok(reply)) => reply,
                    Ok(Err(error)) => {
                        tracing::error!(service = name, %error, "a service panicked");
                        failed(format!("{name} failed; the provider's log says why"), "failed")
                    }
                    Err(late) => {
                        abort.abort();
                        too_late(late)
                    }
                }
            }
        };
        if let Some(mut span) = span {
            span.set(mixbed_telemetry::Attribute::Target, name);
            match &reply.response {
                Response::Failed(words) | Response::Refused(words) => span.fail(words),
                _ => span.ok(),
            }
        }
        reply
    }
}

/// Forgets old messages for as long as there is a provider.
async fn sweep(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(inner) = inner.upgrade() else { return };
        inner.exchange().handle_timeout(Instant::now());
    }
}
