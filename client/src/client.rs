//! The handle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mixbed_directory::{Descriptor, Document, Follower};
use mixbed_telemetry::{Attribute, ClientMetrics, ClientReadings, Context, Service, SpanName};
use mixbed_wire::NodeId;
use mixbed_wire::message::Response;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::broadcast::ProviderBook;
use crate::config::ClientConfig;
use crate::core::{LoopReport, Suspicion};
use crate::letters::WaysBack;
use crate::request::{Answer, RequestError, RequestOptions};
use crate::shell::{self, Command, Ended, Opening};
use crate::state::{NotReady, State};

/// A client at work. Cheap to clone; it stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: NodeId,
    directory: Follower,
    commands: mpsc::Sender<Command>,
    openings: mpsc::Sender<Opening>,
    state: watch::Receiver<State>,
    suspicion: watch::Receiver<Suspicion>,
    loops: watch::Receiver<LoopReport>,
    abandoned: Arc<Notify>,
    ways_back: Arc<WaysBack>,
    spans: Service,
    metrics: ClientMetrics,
    book: Mutex<ProviderBook>,
    stop: CancellationToken,
    tasks: TaskTracker,
    _stop_when_dropped: DropGuard,
}

/// A request on its way to a provider that was chosen.
pub(crate) struct Asked<'a> {
    pub(crate) service: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) provider: &'a Descriptor,
    pub(crate) deadline: Instant,
    /// How long after its first packet to give up if nothing at all has come back.
    pub(crate) unheard: Option<Duration>,
    /// How many bytes the answer is expected to have.
    pub(crate) expected: usize,
    /// What its packets' spans hang under.
    pub(crate) trace: Option<Context>,
}

impl Client {
    /// Starts a client. Returns at once: [`state`](Self::state) tells how it gets on, and requests
    /// wait for it. Must be called within a tokio runtime.
    #[must_use]
    pub fn connect(config: ClientConfig) -> Self {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let directory = config.directory.clone();
        let spans = config.telemetry.service("client", &config.name);
        let started = shell::start(config, spans.clone(), &stop, &tasks);
        tasks.close();
        let inner = Inner {
            id: started.id,
            directory,
            commands: started.commands,
            openings: started.openings,
            state: started.state,
            suspicion: started.suspicion,
            loops: started.loops,
            abandoned: started.abandoned,
            ways_back: started.ways_back,
            spans,
            metrics: started.metrics,
            book: Mutex::default(),
            _stop_when_dropped: stop.clone().drop_guard(),
            stop,
            tasks,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The client's id: where its gateway knows it by.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.inner.id
    }

    /// How it is, now and whenever that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.inner.state.clone()
    }

    /// How its loops do, now and whenever one has ended: the share that comes back shows whether
    /// something takes packets. Without a rate of client loops there are none.
    #[must_use]
    pub fn loops(&self) -> watch::Receiver<LoopReport> {
        self.inner.loops.clone()
    }

    /// The packets that it sent and received.
    #[must_use]
    pub fn readings(&self) -> ClientReadings {
        self.inner.metrics.readings()
    }

    /// The follower that it hears of the network by.
    #[must_use]
    pub fn directory(&self) -> &Follower {
        &self.inner.directory
    }

    /// Waits until packets can be sent. Requests do that by themselves.
    pub async fn wait_ready(&self, limit: Duration) -> Result<(), NotReady> {
        let mut state = self.state();
        let ready = state.wait_for(|state| state.can_send() || *state == State::Stopped);
        if let Ok(Ok(state)) = tokio::time::timeout(limit, ready).await
            && state.can_send()
        {
            return Ok(());
        }
        Err(NotReady { waited: limit, state: self.state_now() })
    }

    /// Asks a service of a random provider that offers it.
    pub async fn request(
        &self,
        service: &str,
        payload: &[u8],
        deadline: Duration,
    ) -> Result<Answer, RequestError> {
        let options = RequestOptions { deadline, ..RequestOptions::default() };
        self.request_with(service, payload, &options).await
    }

    /// Asks a service, with all choices.
    pub async fn request_with(
        &self,
        service: &str,
        payload: &[u8],
        options: &RequestOptions,
    ) -> Result<Answer, RequestError> {
        let began = Instant::now();
        let deadline = deadline_after(began, options.deadline);
        let document = self.document(options.deadline).await?;
        if options.traced && !document.parameters.tracing_allowed {
            return Err(RequestError::TracingNotAllowed);
        }
        let offering = providers(&document, service, options.provider.as_deref())?;
        let provider = self.by_weight(offering).into_iter().next();
        let provider = provider.ok_or_else(|| no_provider(&document, service, None))?;

        let span = options.traced.then(|| self.spans().span(SpanName::Message, None));
        let trace = span.as_ref().map(mixbed_telemetry::Span::context);
        let RequestOptions { unheard, expected, .. } = *options;
        let asked = Asked { service, payload, provider, deadline, unheard, expected, trace };
        let result = self.ask(asked, began).await;
        if let Some(mut span) = span {
            span.set(Attribute::Bytes, payload.len());
            span.set(Attribute::Provider, provider.name.as_str());
            span.set(Attribute::Target, service);
            match &result {
                Ok(answer) => {
                    span.set(Attribute::Retries, answer.retransmissions);
                    span.ok();
                }
                Err(error) => span.fail(&error.to_string()),
            }
        }
        result
    }

    /// Stops the client; what is under way ends with [`RequestError::Stopped`].
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.wait().await;
    }

    /// Waits until the client is told to stop.
    pub(crate) async fn stopped(&self) {
        self.inner.stop.cancelled().await;
    }

    /// Waits for a document by which routes can be built.
    pub(crate) async fn document(&self, limit: Duration) -> Result<Arc<Document>, RequestError> {
        let ready = self.inner.directory.wait_ready(limit);
        let Some(ready) = self.inner.stop.run_until_cancelled(ready).await else {
            return Err(RequestError::Stopped);
        };
        ready.map_err(|error| {
            let state = State::Degraded { why: error.to_string(), sending: false };
            NotReady { waited: limit, state }.into()
        })
    }

    /// Ways back that letters gave away.
    pub(crate) fn ways_back(&self) -> &WaysBack {
        &self.inner.ways_back
    }

    /// How readily each node is to be chosen now.
    pub(crate) fn weights(&self) -> crate::core::Weights {
        self.inner.suspicion.borrow().weights(Instant::now())
    }

    /// In random order, those first that seem to work, and those last whose word was worth nothing.
    pub(crate) fn by_weight<'a>(&self, mut providers: Vec<&'a Descriptor>) -> Vec<&'a Descriptor> {
        let weights = self.inner.suspicion.borrow().weights(Instant::now());
        let mut ordered = Vec::with_capacity(providers.len());
        let next = |left: &[&Descriptor]| {
            weights.choose(left.iter().map(|provider| provider.id()), &mut rand::rng())
        };
        while let Some(at) = next(&providers) {
            ordered.push(providers.swap_remove(at));
        }
        let (book, now) = (self.book(), Instant::now());
        ordered.sort_by_key(|provider| book.is_suspect(provider.id(), now));
        ordered
    }

    /// What is remembered of providers. Held for one step, never while anything waits.
    pub(crate) fn book(&self) -> MutexGuard<'_, ProviderBook> {
        self.inner.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn metrics(&self) -> &ClientMetrics {
        &self.inner.metrics
    }

    pub(crate) fn spans(&self) -> &Service {
        &self.inner.spans
    }

    pub(crate) fn openings(&self) -> &mpsc::Sender<Opening> {
        &self.inner.openings
    }

    pub(crate) fn state_now(&self) -> State {
        self.inner.state.borrow().clone()
    }

    /// Sends a request to its provider and waits for the answer.
    pub(crate) async fn ask(
        &self,
        asked: Asked<'_>,
        began: Instant,
    ) -> Result<Answer, RequestError> {
        let Asked { service, payload, provider, deadline, unheard, expected, trace } = asked;
        // Dropped after `answer`: whoever is told finds it closed.
        let _told_when_dropped = NotifyOnDrop(Arc::clone(&self.inner.abandoned));
        let (reply, answer) = oneshot::channel();
        let command = Command {
            provider: provider.id(),
            service: service.to_owned(),
            payload: payload.to_vec(),
            deadline,
            unheard,
            expected,
            trace,
            reply,
        };
        // Ends when the shell is gone; it answers each command at its deadline.
        self.inner.commands.send(command).await.map_err(|_| RequestError::Stopped)?;
        let name = || provider.name.clone();
        let delivered = match answer.await {
            Ok(Ok(delivered)) => delivered,
            Ok(Err(Ended::DeadlinePassed(tried))) if tried.packets_sent == 0 => {
                let waited = began.elapsed();
                return Err(NotReady { waited, state: self.state_now() }.into());
            }
            Ok(Err(Ended::DeadlinePassed(tried))) => {
                let deadline = deadline.saturating_duration_since(began);
                return Err(RequestError::DeadlinePassed { provider: name(), deadline, tried });
            }
            Ok(Err(Ended::ProviderGone(tried))) => {
                return Err(RequestError::ProviderGone { provider: name(), tried });
            }
            Ok(Err(Ended::Invalid(error))) => return Err(error.into()),
            Ok(Err(Ended::TooManyMessages(count))) => {
                return Err(RequestError::TooManyMessages(count));
            }
            Err(_) => return Err(RequestError::Stopped),
        };
        let data = match delivered.response {
            Response::Ok(data) => data,
            Response::UnknownService => {
                let service = service.to_owned();
                return Err(RequestError::UnknownService { provider: name(), service });
            }
            Response::Refused(words) => {
                return Err(RequestError::Refused { provider: name(), words });
            }
            Response::Failed(words) => {
                return Err(RequestError::Failed { provider: name(), words });
            }
            Response::TooLarge => return Err(RequestError::TooLarge(name())),
        };
        Ok(Answer {
            data,
            provider: name(),
            elapsed: began.elapsed(),
            mixing_delay: delivered.mixing_delay,
            packets_sent: delivered.tried.packets_sent,
            packets_received: delivered.tried.packets_received,
            retransmissions: delivered.tried.retransmissions,
            trace_id: trace.map(|trace| trace.trace_id),
        })
    }
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The longest deadline: whoever asks for more means "never mind", and times must not overflow.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn deadline_after(began: Instant, limit: Duration) -> Instant {
    began + limit.min(LONGEST)
}

/// The nodes that offer a service, gateways with their mailboxes among them; only the one with this name, if there is one.
pub(crate) fn providers<'a>(
    document: &'a Document,
    service: &str,
    name: Option<&str>,
) -> Result<Vec<&'a Descriptor>, RequestError> {
    let found: Vec<_> = document
        .nodes
        .iter()
        .filter(|provider| provider.services.iter().any(|offered| offered == service))
        .filter(|provider| name.is_none_or(|name| provider.name == name))
        .collect();
    if found.is_empty() { Err(no_provider(document, service, name)) } else { Ok(found) }
}

fn no_provider(document: &Document, service: &str, name: Option<&str>) -> RequestError {
    let known = document
        .nodes
        .iter()
        .filter(|provider| provider.services.iter().any(|offered| offered == service))
        .map(|provider| provider.name.clone())
        .collect();
    RequestError::NoProvider {
        service: service.to_owned(),
        provider: name.map(str::to_owned),
        known,
    }
}
