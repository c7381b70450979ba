//! The task that owns the messenger.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mixbed_directory::Follower;
use mixbed_telemetry::{ClientMetrics, Context, Hop, HopOutcome};
use mixbed_wire::{DropReason, NodeId, Packet, ReplyKey, SphinxSecret, TraceContext};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::link::{FromLink, Inbound};
use super::traces::Traces;
use super::{Command, Ended};
use crate::core::{
    self, Delivered, Event, MessageNo, Messenger, Net, Order, OrderError, Return, Sealed, Suspicion,
};
use crate::state::State;

/// How long it is waited when nothing is due: any time would do.
const IDLE: Duration = Duration::from_secs(3600);

/// How soon a packet that could not be sealed is tried again: routes come with a new document.
const UNSENT_PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Task {
    pub(super) messenger: Messenger<ReplyKey>,
    pub(super) own: Return,
    pub(super) secret: SphinxSecret,
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
}

/// A link that is up.
pub(super) struct Up {
    gateway: NodeId,
    packets: mpsc::Sender<Packet>,
    hung: CancellationToken,
}

/// Someone who waits for a message's answer.
pub(super) struct Waiting {
    trace: Option<Context>,
    reply: oneshot::Sender<Result<Delivered, Ended>>,
}

/// Why no packet was made.
enum Next {
    /// One was: there may be more.
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
        loop {
            self.tell();
            self.cancel_abandoned();
            let next = self.transmit();
            let due = self.messenger.poll_timeout();
            let due = match next {
                Next::NoRoute => due.into_iter().chain([Instant::now() + UNSENT_PAUSE]).min(),
                _ => due,
            };
            let due = due.unwrap_or_else(|| Instant::now() + IDLE);
            let full = self.link.as_ref().filter(|_| matches!(next, Next::Full));
            let room = full.map(|link| link.packets.clone());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(event) = inbound.recv() => self.handle_link(event),
                order = orders.recv() => match order {
                    Some(order) => self.handle_order(order),
                    None => break,
                },
                () = directory.changed() => self.show(),
                () = tokio::time::sleep_until(due.into()) => {
                    self.handle_timeout(Instant::now());
                }
                () = room_in(room) => {}
                // Sealing takes a millisecond: others get their turn between two packets.
                () = tokio::task::yield_now(), if matches!(next, Next::Sent) => {}
            }
        }
        self.state.send_replace(State::Stopped);
    }

    fn show(&mut self) {
        let trouble = self.trouble.as_deref();
        let state = super::state::judge(&self.directory, self.link.is_some(), trouble);
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
        if self.messenger.is_link_silent()
            && let Some(link) = self.link.take()
        {
            link.hung.cancel();
            self.trouble = Some("nothing comes back from its gateway".to_owned());
            self.show();
        }
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
                self.show();
            }
            FromLink::Down { why } => {
                self.link = None;
                self.trouble = Some(why);
                self.show();
            }
        }
    }

    fn handle_order(&mut self, command: Command) {
        let Command { provider, service, payload, deadline, unheard, trace, reply } = command;
        let order = Order {
            provider,
            service: &service,
            payload: &payload,
            deadline,
            unheard,
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
        let result = self.read(&packet, &mut trace);
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
                next: None,
                outcome,
            });
        }
    }

    fn read(
        &mut self,
        packet: &Packet,
        trace: &mut Option<TraceContext>,
    ) -> Result<(), DropReason> {
        let opened = core::open(packet, &self.secret)?;
        *trace = opened.trace;
        let plaintext = self.messenger.key(&opened.identifier)?.read(opened.exit)?;
        self.messenger.handle_reply(&opened.identifier, &plaintext, Instant::now())?;
        Ok(())
    }

    /// Makes and sends the next packet.
    fn transmit(&mut self) -> Next {
        let Some(Up { gateway, packets, .. }) = &self.link else { return Next::Nothing };
        let Some(document) = self.directory.current() else { return Next::Nothing };
        let permit = match packets.try_reserve() {
            Ok(permit) => permit,
            Err(TrySendError::Full(())) => return Next::Full,
            Err(TrySendError::Closed(())) => return Next::Nothing,
        };
        let weights = self.messenger.suspicion().weights(Instant::now());
        let net = Net { document, gateway: *gateway, weights };
        let Some(draft) = self.messenger.poll_transmit() else { return Next::Nothing };
        let parent = self.waiting.get(&draft.number).and_then(|waiting| waiting.trace);
        let trace = parent.map(|parent| self.traces.begin(&draft, parent));
        match core::seal(&draft, &net, self.own, trace, &mut rand::rng()) {
            Ok(Sealed { packet, sent, route }) => {
                self.traces.routed(draft.packet, &route, &net.document);
                self.metrics.reply_blocks_made.inc_by(draft.blocks() as u64);
                if draft.attempt > 1 {
                    self.metrics.retransmissions.inc();
                }
                permit.send(packet);
                self.messenger.handle_sent(draft.packet, sent, Instant::now());
                Next::Sent
            }
            Err(error) => {
                tracing::debug!(%error, "a packet could not be sealed");
                self.traces.failed(draft.packet, &error.to_string());
                if error.is_providers() {
                    // The others' packets are not held up by it.
                    self.messenger.handle_provider_gone(draft.packet);
                    return Next::Sent;
                }
                self.messenger.handle_unsent(draft.packet);
                Next::NoRoute
            }
        }
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

    /// Forgets messages whose askers have gone.
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
