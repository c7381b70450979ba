//! A whole client without its I/O: the other rules of this module put together.

use std::time::{Duration, Instant};

use mixbed_wire::{DropReason, NodeId, Packet, PacketFormat};
use rand::Rng;

use super::{
    Cover, Drops, Event, Limits, LoopReport, Loops, MessageNo, Messenger, Net, Order, OrderError,
    Payload, PostError, Return, Sealed, SealedLoop, Sessions, Suspicion, Tick, Turns, open, seal,
    seal_loop,
};

/// How soon a packet that could not be sealed is tried again: routes come with a new document.
const UNSENT_PAUSE: Duration = Duration::from_millis(100);

/// A client that only lacks a network: what [`Client`](crate::Client) is with one, less traces and
/// metrics. It seals a packet at the tick that it leaves on, since under a virtual clock sealing
/// takes no time; a client on a real link seals ahead.
///
/// `handle_*` with what happened, [`poll_transmit`](Self::poll_transmit) and
/// [`poll_event`](Self::poll_event) until there is nothing more, then wait until
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct ClientCore<P: PacketFormat = Packet> {
    messenger: Messenger<P::ReplyKey>,
    sessions: Sessions<P::ReplyKey>,
    turns: Turns,
    cover: Cover,
    loops: Loops<P::ReplyKey>,
    drops: Drops,
    own: Return,
    secret: P::Secret,
    net: Option<Net>,
    retry_at: Option<Instant>,
    sent: SentCounts,
}

/// Packets that a client made, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentCounts {
    /// Of messages, first tries and others, and of sessions.
    pub payload: u64,
    /// Drops.
    pub drops: u64,
    /// Loops.
    pub loops: u64,
}

impl<P: PacketFormat> ClientCore<P> {
    /// A client with this id and a fresh packet key, without a link.
    #[must_use]
    pub fn new<R: Rng + ?Sized>(id: NodeId, limits: Limits, rng: &mut R) -> Self {
        let secret = P::secret(rng);
        Self {
            messenger: Messenger::new(limits),
            sessions: Sessions::default(),
            turns: Turns::default(),
            cover: Cover::default(),
            loops: Loops::default(),
            drops: Drops::default(),
            own: Return { id, key: P::public(&secret) },
            secret,
            net: None,
            retry_at: None,
            sent: SentCounts::default(),
        }
    }

    /// The client's id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.own.id
    }

    /// There is a link to this gateway now.
    pub fn handle_link_up(&mut self, now: Instant) {
        self.messenger.handle_link_alive(now);
        // No ticks wait from the time without a link.
        self.cover = Cover::default();
    }

    /// There is no link, or no document to go by: nothing can be sent.
    pub fn handle_link_down(&mut self) {
        self.net = None;
        self.loops.handle_link_lost();
        self.drops.handle_link_lost();
    }

    /// What it sees of the network, its gateway included. The weights are its own.
    pub fn handle_net<R: Rng + ?Sized>(&mut self, net: Net, now: Instant, rng: &mut R) {
        self.cover.handle_rates(&net.document.parameters.rates, now, rng);
        self.messenger.handle_pace(self.cover.paces_payload());
        if !self.cover.has_loops() {
            self.loops.handle_off();
        }
        self.retry_at = None;
        self.net = Some(net);
    }

    /// See [`Messenger::handle_order`].
    pub fn handle_order<R: Rng + ?Sized>(
        &mut self,
        order: &Order<'_>,
        now: Instant,
        rng: &mut R,
    ) -> Result<MessageNo, OrderError> {
        self.messenger.handle_order(order, now, rng)
    }

    /// The sessions, to have streams in: [`Sessions::choose`] gives one whose
    /// [`end`](super::Session::end) reads and writes. After whatever was done with it
    /// [`poll_transmit`](Self::poll_transmit) is to be called, and
    /// [`Sessions::handle_changed`] if the end was told to wake others.
    pub fn sessions_mut(&mut self) -> &mut Sessions<P::ReplyKey> {
        &mut self.sessions
    }

    /// A packet came from the gateway.
    ///
    /// # Errors
    /// Those of [`open`] and [`Messenger::handle_reply`], if it is of no use.
    pub fn handle_packet(&mut self, packet: P, now: Instant) -> Result<(), DropReason> {
        self.messenger.handle_link_alive(now);
        let opened = open(packet, &self.secret)?;
        if self.drops.handle_returned(&opened.identifier) {
            return Ok(());
        }
        if let Some(key) = self.loops.key(&opened.identifier) {
            P::read_reply(key, opened.exit)?;
            self.loops.handle_returned(&opened.identifier, now);
            self.hear_of_loops(now);
            return Ok(());
        }
        if let Some(key) = self.sessions.key(&opened.identifier) {
            let plaintext = P::read_reply(key, opened.exit)?;
            let taken = self.sessions.handle_reply(&opened.identifier, &plaintext, now);
            self.hear_of_sessions(now);
            return taken;
        }
        let key = self.messenger.key(&opened.identifier)?;
        let plaintext = P::read_reply(key, opened.exit)?;
        self.messenger.handle_reply(&opened.identifier, &plaintext, now).map(drop)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.messenger.handle_timeout(now);
        self.sessions.handle_timeout(now);
        self.hear_of_sessions(now);
        self.loops.handle_timeout(now);
        self.hear_of_loops(now);
    }

    /// A packet that is to be handed to the link now.
    pub fn poll_transmit<R: Rng + ?Sized>(&mut self, now: Instant, rng: &mut R) -> Option<P> {
        if self.retry_at.is_some_and(|at| at > now) {
            self.pass_ticks(now, rng);
            return None;
        }
        self.retry_at = None;
        if self.cover.paces_payload() && self.cover.poll_timeout().is_some_and(|tick| tick > now) {
            return None;
        }
        let Some(mut net) = self.net.clone() else {
            self.sessions.handle_cut_off(now);
            return None;
        };
        self.sessions.handle_connected();
        net.weights = self.messenger.suspicion().weights(now);
        let made = self.transmit(&net, now, rng);
        made.unwrap_or_else(|_| {
            self.pass_ticks(now, rng);
            self.retry_at = Some(now + UNSENT_PAUSE);
            None
        })
    }

    /// See [`Messenger::poll_event`].
    pub fn poll_event(&mut self) -> Option<Event> {
        self.messenger.poll_event()
    }

    /// When [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit) are due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let tick = self.net.as_ref().and_then(|_| self.cover.poll_timeout());
        let (messages, sessions) = (self.messenger.poll_timeout(), self.sessions.poll_timeout());
        let timers = [messages, sessions, self.loops.poll_timeout(), tick, self.retry_at];
        timers.into_iter().flatten().min()
    }

    /// See [`Messenger::is_link_silent`].
    #[must_use]
    pub fn is_link_silent(&self) -> bool {
        self.messenger.is_link_silent()
    }

    /// What it suspects nodes of.
    #[must_use]
    pub fn suspicion(&self) -> &Suspicion {
        self.messenger.suspicion()
    }

    /// How its loops did.
    #[must_use]
    pub fn loop_report(&self) -> LoopReport {
        self.loops.report()
    }

    /// What it has sent.
    #[must_use]
    pub fn sent(&self) -> SentCounts {
        self.sent
    }

    fn transmit<R: Rng + ?Sized>(
        &mut self,
        net: &Net,
        now: Instant,
        rng: &mut R,
    ) -> Result<Option<P>, PostError> {
        let Some(tick) = self.cover.poll_tick(now, rng) else {
            return if self.cover.paces_payload() { Ok(None) } else { self.payload(net, now, rng) };
        };
        if tick == Tick::Loop {
            let sealed = seal_loop(net, self.own, rng)?;
            let SealedLoop { packet, identifier, key, delays, nodes } = sealed;
            self.loops.handle_sent(identifier, key, delays, nodes, now);
            self.sent.loops += 1;
            return Ok(Some(packet));
        }
        if tick == Tick::Payload {
            let mut packet = self.payload(net, now, rng)?;
            if packet.is_none() {
                packet = self.spare(net, now, rng)?;
            }
            if packet.is_some() {
                return Ok(packet);
            }
        }
        let SealedLoop { packet, identifier, delays, .. } = seal_loop(net, self.own, rng)?;
        self.drops.handle_sent(identifier, delays, now);
        self.sent.drops += 1;
        Ok(Some(packet))
    }

    fn payload<R: Rng + ?Sized>(
        &mut self,
        net: &Net,
        now: Instant,
        rng: &mut R,
    ) -> Result<Option<P>, PostError> {
        while let Some(payload) = self.turns.poll(&mut self.messenger, &mut self.sessions, now) {
            let packet = self.seal(payload, net, now, rng)?;
            if packet.is_some() {
                return Ok(packet);
            }
        }
        Ok(None)
    }

    /// What may be said twice, on a tick for which there is nothing else.
    fn spare<R: Rng + ?Sized>(
        &mut self,
        net: &Net,
        now: Instant,
        rng: &mut R,
    ) -> Result<Option<P>, PostError> {
        let spare = self.turns.poll_spare(&self.messenger, &mut self.sessions, now);
        spare.map_or(Ok(None), |payload| self.seal(payload, net, now, rng))
    }

    /// Nothing if its provider has left the network.
    fn seal<R: Rng + ?Sized>(
        &mut self,
        payload: Payload,
        net: &Net,
        now: Instant,
        rng: &mut R,
    ) -> Result<Option<P>, PostError> {
        let sealed = seal(&payload, net, self.own, None, rng);
        let gone = matches!(&sealed, Err(error) if error.is_providers());
        match (sealed, payload) {
            (Ok(Sealed { packet, sent, .. }), payload) => {
                match payload {
                    Payload::Message(draft) => self.messenger.handle_sent(draft.packet, sent, now),
                    Payload::Session(draft) => self.sessions.handle_sent(&draft, sent, now),
                }
                self.sent.payload += 1;
                Ok(Some(packet))
            }
            (Err(_), Payload::Message(draft)) if gone => {
                self.messenger.handle_provider_gone(draft.packet);
                Ok(None)
            }
            (Err(_), Payload::Session(draft)) if gone => {
                self.sessions.handle_provider_gone(&draft, now);
                Ok(None)
            }
            (Err(error), Payload::Message(draft)) => {
                self.messenger.handle_unsent(draft.packet);
                Err(error)
            }
            (Err(error), Payload::Session(draft)) => {
                self.sessions.handle_unsent(&draft);
                Err(error)
            }
        }
    }

    /// Packets of sessions tell of the nodes that they passed.
    fn hear_of_sessions(&mut self, now: Instant) {
        while let Some(way) = self.sessions.poll_way() {
            self.messenger.handle_way(&way, now);
        }
    }

    /// Loops tell of the nodes that they passed as well as messages do.
    fn hear_of_loops(&mut self, now: Instant) {
        while let Some((nodes, returned)) = self.loops.poll_ended() {
            let suspicion = self.messenger.suspicion_mut();
            if returned {
                suspicion.handle_returned(&nodes, now);
            } else {
                suspicion.handle_lost(&nodes, now);
            }
        }
    }

    /// Lets ticks pass on which nothing can leave: later ones are not to come in a burst.
    fn pass_ticks<R: Rng + ?Sized>(&mut self, now: Instant, rng: &mut R) {
        while self.cover.poll_tick(now, rng).is_some() {}
    }
}
