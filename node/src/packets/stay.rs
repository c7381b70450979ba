//! A packet's stay at this node, and the books that are kept of it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mixbed_telemetry::{Context, Hop, HopOutcome, NodeMetrics, Service};
use mixbed_wire::{DropReason, TraceContext};
use tokio_util::sync::CancellationToken;

/// Where a node's packets are counted and their spans recorded.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) metrics: NodeMetrics,
    pub(crate) service: Service,
    /// Ends the node, its links first of all.
    pub(crate) stop: CancellationToken,
}

impl Books {
    /// What the books say of a packet that was dropped for `reason`. Workers are still at it while a
    /// node ends: what finds no way on because the links have ended already was dropped by that.
    fn reason(&self, reason: DropReason) -> DropReason {
        use DropReason::{ClientOffline, LinkLost, Stopped, UnknownNextHop};
        match reason {
            UnknownNextHop | LinkLost | ClientOffline if self.stop.is_cancelled() => Stopped,
            reason => reason,
        }
    }

    /// A link to or from `peer` is no more. That a peer leaves in order is no news.
    pub(crate) fn link_ended(&self, peer: &str, error: &mixbed_link::Error) {
        let node = self.service.name();
        match error {
            mixbed_link::Error::Closed => tracing::debug!(node, peer, "link closed"),
            error => tracing::info!(node, peer, %error, "link lost"),
        }
    }
}

/// One packet's stay. It begins by being counted in and ends by being counted out, exactly once:
/// whoever takes a packet over takes its `Stay` along, and a `Stay` that is lost (a queue thrown
/// away at shutdown) counts itself out as `stopped`. So the books close at any time:
/// received + made = sent + delivered + dropped + held.
pub(crate) struct Stay {
    books: Arc<Books>,
    arrived: Instant,
    dequeued: Option<Instant>,
    unwrapped: Option<Instant>,
    released: Option<Instant>,
    impaired: Duration,
    route: Option<Box<Traced>>,
    settled: bool,
}

/// What only a traced packet's span needs.
struct Traced {
    context: Context,
    delay_asked: Option<Duration>,
    next: Option<String>,
}

impl Stay {
    /// A packet came in over a link.
    pub(crate) fn received(books: &Arc<Books>, now: Instant) -> Self {
        books.metrics.packets_received.inc();
        Self::begin(books, now)
    }

    /// This node made a packet of its own (a reply).
    pub(crate) fn made(books: &Arc<Books>, now: Instant) -> Self {
        books.metrics.packets_made.inc();
        Self::begin(books, now)
    }

    fn begin(books: &Arc<Books>, now: Instant) -> Self {
        books.metrics.packets_held.inc();
        Self {
            books: Arc::clone(books),
            arrived: now,
            dequeued: None,
            unwrapped: None,
            released: None,
            impaired: Duration::ZERO,
            route: None,
            settled: false,
        }
    }

    /// A worker took it up.
    pub(crate) fn dequeued(&mut self, now: Instant) {
        self.dequeued = Some(now);
        // What came in by an impaired link waited for that first, not for a worker.
        let waited = (now - self.arrived).saturating_sub(self.impaired);
        self.books.metrics.queue_wait_seconds.observe(waited);
    }

    /// Its layer is off.
    pub(crate) fn unwrapped(&mut self, now: Instant) {
        self.unwrapped = Some(now);
        let since = self.dequeued.unwrap_or(self.arrived);
        self.books.metrics.unwrap_seconds.observe(now - since);
    }

    /// What its layer says for its span, if the sender wants one.
    pub(crate) fn traced(
        &mut self,
        trace: Option<TraceContext>,
        delay_asked: Option<Duration>,
        next: impl FnOnce() -> Option<String>,
    ) {
        self.route = trace
            .and_then(|trace| Context::from_bytes(trace.trace_id, trace.span_id))
            .map(|context| Box::new(Traced { context, delay_asked, next: next() }));
    }

    /// Its mixing delay is over.
    pub(crate) fn released(&mut self, now: Instant) {
        self.released = Some(now);
    }

    /// An impairment held it this long.
    pub(crate) fn impaired(&mut self, held: Duration) {
        self.impaired += held;
    }

    /// It was written to the next hop's link.
    pub(crate) fn sent(mut self, now: Instant) {
        self.books.metrics.packets_sent.inc();
        if let Some(released) = self.released {
            self.books.metrics.link_seconds.observe(now - released);
        }
        self.settle(now, HopOutcome::Forwarded);
    }

    /// Its route ended here, where it was wanted.
    pub(crate) fn delivered(mut self, now: Instant) {
        self.books.metrics.packets_delivered.inc();
        self.settle(now, HopOutcome::Delivered);
    }

    /// It goes no further.
    pub(crate) fn dropped(mut self, now: Instant, reason: DropReason) {
        self.settle_dropped(now, reason);
    }

    fn settle_dropped(&mut self, now: Instant, reason: DropReason) {
        let reason = self.books.reason(reason);
        self.books.metrics.dropped(reason.index());
        tracing::trace!(node = self.books.service.name(), %reason, "dropped a packet");
        self.settle(now, HopOutcome::Dropped(reason.name()));
    }

    fn settle(&mut self, now: Instant, outcome: HopOutcome) {
        self.settled = true;
        self.books.metrics.packets_held.dec();
        let Some(traced) = self.route.take() else { return };
        let dequeued = self.dequeued.unwrap_or(self.arrived);
        let unwrapped = self.unwrapped.unwrap_or(dequeued);
        self.books.service.record_hop(&Hop {
            context: traced.context,
            arrived: SystemTime::now() - self.arrived.elapsed(),
            queue_wait: dequeued - self.arrived,
            unwrap: unwrapped - dequeued,
            delay_asked: traced.delay_asked,
            delay_held: self.released.map(|released| released - unwrapped),
            link: self.released.map(|released| now - released),
            impaired: Some(self.impaired).filter(|impaired| !impaired.is_zero()),
            next: traced.next,
            outcome,
        });
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        if !self.settled {
            self.settle_dropped(Instant::now(), DropReason::Stopped);
        }
    }
}
