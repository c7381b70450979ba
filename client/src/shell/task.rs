//! The task that owns the messenger.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_directory::Follower;
use mixbed_telemetry::{ClientMetrics, Context, Hop, HopOutcome};
use mixbed_wire::{DropReason, NodeId, Packet, ReplyKey, SphinxSecret, TraceContext};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::link::{FromLink, Inbound};
use super::sealing::Ahead;
use super::streams::Streams;
use super::traces::Traces;
use super::{Command, Ended};
use crate::core::{
    self, Cover, Delivered, Drops, Event, LoopReport, Loops, MessageNo, Messenger, Order,
    OrderError, Return, Share, Suspicion,
};
use crate::letters::WaysBack;
use crate::state::State;

/// How long it is waited when nothing is due: any time would do.
const IDLE: Duration = Duration::from_secs(3600);

/// How soon a packet that could not be sealed is tried again: routes come with a new document.
pub(super) const UNSENT_PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Task {
    pub(super) messenger: Messenger<ReplyKey>,
    pub(super) streams: Streams,
    /// Dropped, it ends the link.
    pub(super) _linking: Option<DropGuard>,
    pub(super) cover: Cover,
    pub(super) ahead: Ahead,
    /// Nothing is sealed before, as there was no route.
    pub(super) unsealed_until: Instant,
    pub(super) loops: Loops<ReplyKey>,
    pub(super) drops: Drops,
    pub(super) own: Return,
    pub(super) secret: SphinxSecret,
    /// Those that letters gave away.
    pub(super) ways_back: Arc<WaysBack>,
    pub(super) directory: Follower,
    pub(super) link: Option<Up>,
    /// Why there is no link, if there was a try.
    pub(super) trouble: Option<String>,
    pub(super) waiting: HashMap<MessageNo, Waiting>,
    pub(super) traces: Traces,
    pub(super) metrics: ClientMetrics,
    pub(super) state: watch::Sender<State>,
    /// For whoever chooses gateways and providers.
    pub(super) suspected: watch::Sender<Suspicion>,
    pub(super) looped: watch::Sender<LoopReport>,
    /// Whoever waited for a message's answer may have gone.
    pub(super) abandoned: Arc<Notify>,
}

/// A link that is up.
pub(super) struct Up {
    pub(super) gateway: NodeId,
    pub(super) packets: mpsc::Sender<Packet>,
    hung: CancellationToken,
}

/// Someone who waits for a message's answer.
pub(super) struct Waiting {
    pub(super) trace: Option<Context>,
    reply: oneshot::Sender<Result<Delivered, Ended>>,
}

/// What came of looking for something to send.
pub(super) enum Next {
    /// A packet was made or sent: there may be more to do.
    Sent,
    /// There is nothing to send, or no way to.
    Nothing,
    /// The link's queue is full.
    Full,
    /// No route: try again soon.
    NoRoute,
}

impl Task {
    pub(super) async fn run(
        mut self,
        mut orders: mpsc::Receiver<Command>,
        mut inbound: mpsc::Receiver<FromLink>,
        stop: CancellationToken,
    ) {
        let mut directory = self.directory.clone();
        let abandoned = Arc::clone(&self.abandoned);
        let mut heard = Instant::now();
        loop {
            // Each turn takes at most one thing from outside, and whatever is due comes before the
            // next: a gateway that floods the client stops neither its timers nor its sending. But
            // nothing is given up whose answer waits to be heard: timers go by what was heard last.
            let now = if inbound.is_empty() { Instant::now() } else { heard };
            if self.due().is_some_and(|due| due <= now) {
                self.handle_timeout(now);
            }
            self.hear_of_loops();
            self.hear_of_sessions();
            let next = self.transmit();
            self.tell();
            let now = Instant::now();
            let soon = match next {
                Next::NoRoute => now + UNSENT_PAUSE,
                _ => now + IDLE,
            };
            let due = self.due().into_iter().chain(self.tick()).fold(soon, Instant::min);
            let full = self.link.as_ref().filter(|_| matches!(next, Next::Full));
            let room = full.map(|link| link.packets.clone());
            tokio::select! {
                () = stop.cancelled() => break,
                Some(event) = inbound.recv() => {
                    if let FromLink::Packet(Inbound { arrived, .. }) = &event {
                        heard = *arrived;
                    }
                    self.handle_link(event);
                }
                order = orders.recv() => match order {
                    Some(order) => self.handle_order(order),
                    None => break,
                },
                () = directory.changed() => self.show(),
                finished = self.ahead.finished() => self.handle_sealed(finished),
                () = abandoned.notified() => self.cancel_abandoned(),
                streams = self.streams.next() => self.handle_streams(streams),
                () = tokio::time::sleep_until(due.into()) => {}
                () = room_in(room) => {}
                // Sealing takes a millisecond: others get their turn between two packets.
                () = tokio::task::yield_now(), if matches!(next, Next::Sent) => {}
            }
        }
        self.end_sessions().await;
        self.state.send_replace(State::Stopped);
    }

    /// When something must be given up, or asked for again.
    fn due(&self) -> Option<Instant> {
        let (loops, sessions) = (&self.loops, &self.streams.sessions);
        let timers = [self.messenger.poll_timeout(), loops.poll_timeout(), sessions.poll_timeout()];
        timers.into_iter().flatten().min()
    }

    /// Loops tell of the nodes that they passed as well as messages do.
    fn hear_of_loops(&mut self) {
        while let Some((nodes, returned)) = self.loops.poll_ended() {
            let (suspicion, now) = (self.messenger.suspicion_mut(), Instant::now());
            if returned {
                suspicion.handle_returned(&nodes, now);
            } else {
                suspicion.handle_lost(&nodes, now);
            }
        }
    }

    fn show(&mut self) {
        let trouble = self.trouble.as_deref();
        let linked = self.link.is_some();
        self.ways_back.handle_link(self.link.as_ref().map(|link| link.gateway));
        let state = super::state::judge(&self.directory, linked, trouble, &self.looped.borrow());
        self.state.send_if_modified(|shown| {
            let changed = *shown != state;
            if changed {
                tracing::info!(%state, "client");
                *shown = state;
            }
            changed
        });
    }

    /// Time has passed. A link over which nothing comes back is ended before anything is sent
    /// again: it would go the same way.
    fn handle_timeout(&mut self, now: Instant) {
        self.messenger.handle_timeout(now);
        self.streams.sessions.handle_timeout(now);
        if self.messenger.is_link_silent()
            && let Some(link) = self.link.take()
        {
            link.hung.cancel();
            self.forget_decoys();
            self.trouble = Some("nothing comes back from its gateway".to_owned());
            self.show();
        }
        let lost = self.loops.handle_timeout(now);
        if lost > 0 {
            self.metrics.loops_lost.inc_by(lost);
            self.show_loops();
        }
    }

    /// There is no link any more that answers to loops and drops would come by.
    fn forget_decoys(&mut self) {
        self.loops.handle_link_lost();
        self.drops.handle_link_lost();
    }

    pub(super) fn show_loops(&mut self) {
        let report = self.loops.report();
        let Share { returned, ended } = report.recent;
        self.metrics.recent_loops_returned.set(i64::from(returned));
        self.metrics.recent_loops_lost.set(i64::from(ended - returned));
        let document = self.directory.current();
        let name = |id: NodeId| {
            let node = document.as_ref().and_then(|document| document.node(&id));
            node.map_or_else(|| id.to_string(), |node| node.name.clone())
        };
        let suspect = report.verdict.map(|verdict| verdict.culprit.name(name));
        self.metrics.suspect.set(suspect.as_deref());
        self.looped.send_replace(report);
        self.show();
    }

    fn handle_link(&mut self, event: FromLink) {
        match event {
            FromLink::Packet(inbound) => {
                self.messenger.handle_link_alive(inbound.arrived);
                self.handle_packet(inbound);
            }
            FromLink::Up { gateway, packets, hung } => {
                self.messenger.handle_link_alive(Instant::now());
                self.link = Some(Up { gateway, packets, hung });
                self.trouble = None;
                // No ticks wait from the time without a link.
                self.cover = Cover::default();
                self.show();
            }
            FromLink::Down { why } => {
                self.link = None;
                self.forget_decoys();
                self.trouble = Some(why);
                self.show();
            }
        }
    }

    fn handle_order(&mut self, command: Command) {
        let Command { provider, service, payload, deadline, unheard, expected, trace, reply } =
            command;
        if reply.is_closed() {
            return;
        }
        let order = Order {
            provider,
            service: &service,
            payload: &payload,
            deadline,
            unheard,
            expected,
            traced: trace.is_some(),
        };
        match self.messenger.handle_order(&order, Instant::now(), &mut rand::rng()) {
            Ok(message) => {
                self.waiting.insert(message, Waiting { trace, reply });
            }
            Err(error) => {
                let ended = match error {
                    OrderError::Request(error) => Ended::Invalid(error),
                    OrderError::TooManyMessages(count) => Ended::TooManyMessages(count),
                };
                // Whoever asked may have gone: then nobody needs to know.
                let _ = reply.send(Err(ended));
            }
        }
    }

    fn handle_packet(&mut self, inbound: Inbound) {
        let Inbound { packet, arrived, arrived_at } = inbound;
        let began = Instant::now();
        let mut trace = None;
        let result = self.read(packet, arrived, &mut trace);
        let outcome = match result {
            Ok(()) => {
                self.metrics.reply_blocks_used.inc();
                HopOutcome::Delivered
            }
            Err(reason) => {
                self.metrics.dropped(reason.index());
                HopOutcome::Dropped(reason.name())
            }
        };
        let context = trace.and_then(|t: TraceContext| Context::from_bytes(t.trace_id, t.span_id));
        if let Some(context) = context {
            self.traces.hop(&Hop {
                context,
                arrived: arrived_at,
                queue_wait: began.saturating_duration_since(arrived),
                unwrap: began.elapsed(),
                delay_asked: None,
                delay_held: None,
                link: None,
                impaired: None,
                next: None,
                outcome,
            });
        }
    }

    fn read(
        &mut self,
        packet: Packet,
        arrived: Instant,
        trace: &mut Option<TraceContext>,
    ) -> Result<(), DropReason> {
        let opened = core::open(packet, &self.secret)?;
        *trace = opened.trace;
        if self.drops.handle_returned(&opened.identifier) {
            return Ok(());
        }
        if let Some(key) = self.loops.key(&opened.identifier) {
            key.read(opened.exit)?;
            self.loops.handle_returned(&opened.identifier, Instant::now());
            self.metrics.loops_returned.inc();
            self.show_loops();
            return Ok(());
        }
        if let Some(key) = self.streams.sessions.key(&opened.identifier) {
            let plaintext = key.read(opened.exit)?;
            return self.streams.sessions.handle_reply(&opened.identifier, &plaintext, arrived);
        }
        if self.ways_back.knows(&opened.identifier) {
            return self.ways_back.handle_packet(&opened.identifier, opened.exit);
        }
        let plaintext = self.messenger.key(&opened.identifier)?.read(opened.exit)?;
        self.messenger.handle_reply(&opened.identifier, &plaintext, Instant::now())?;
        Ok(())
    }

    /// Tells whoever waits what has come of it.
    fn tell(&mut self) {
        let suspicion = self.messenger.suspicion();
        if self.suspected.borrow().seen() != suspicion.seen() {
            self.suspected.send_replace(suspicion.clone());
        }
        while let Some(event) = self.messenger.poll_event() {
            match event {
                Event::PacketAnswered(packet) => self.traces.answered(packet),
                Event::PacketLost(packet) => self.traces.failed(packet, "not answered in time"),
                Event::Delivered(message, delivered) => {
                    self.metrics.message("answered", Some(delivered.elapsed));
                    self.end(message, Ok(delivered));
                }
                Event::DeadlinePassed(message, tried) => {
                    self.metrics.message("deadline_passed", None);
                    self.end(message, Err(Ended::DeadlinePassed(tried)));
                }
                Event::ProviderGone(message, tried) => {
                    self.metrics.message("provider_gone", None);
                    self.end(message, Err(Ended::ProviderGone(tried)));
                }
            }
        }
    }

    fn end(&mut self, message: MessageNo, result: Result<Delivered, Ended>) {
        self.traces.message_ended(message);
        if let Some(waiting) = self.waiting.remove(&message) {
            let _ = waiting.reply.send(result);
        }
    }

    /// Forgets messages whose askers have gone, as soon as one has.
    fn cancel_abandoned(&mut self) {
        let gone = |(message, waiting): (&MessageNo, &Waiting)| {
            waiting.reply.is_closed().then_some(*message)
        };
        let gone: Vec<_> = self.waiting.iter().filter_map(gone).collect();
        for message in gone {
            self.messenger.handle_cancel(message);
            self.metrics.message("cancelled", None);
            self.traces.message_ended(message);
            self.waiting.remove(&message);
        }
    }
}

/// Waits for room in the link's queue, or for ever.
async fn room_in(packets: Option<mpsc::Sender<Packet>>) {
    match packets {
        // Room, or a link that is gone: both are worth another look.
        Some(packets) => drop(packets.reserve().await),
        None => std::future::pending().await,
    }
}
