//! All messages of a client: one window, one measure of time, one place for replies.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use mixbed_wire::message::{Answer, MAX_REPLY_BLOCKS, MessageId, Request};
use mixbed_wire::{DropReason, Identifier};
use rand::Rng;

use super::message::{Copies, Outgoing, Progress};
use super::packet::{Expected, Flight, InFlight, Purpose, Resumed, State};
use super::{
    Content, Delivered, Draft, Event, Limits, Loss, Margin, MessageNo, Order, OrderError, PacketNo,
    Received, ReplyDue, Sent, Silence, Suspicion, Tried, Way,
};

/// The reliable core: cuts messages into packets, sends again what is not answered in time, and
/// puts responses together. `K` is what reads a reply.
pub struct Messenger<K> {
    limits: Limits,
    /// The most reply blocks that a packet brings.
    blocks: usize,
    margin: Margin,
    silence: Silence,
    loss: Loss,
    suspicion: Suspicion,
    messages: BTreeMap<MessageNo, Outgoing>,
    packets: HashMap<PacketNo, InFlight>,
    timers: BTreeSet<(Instant, PacketNo)>,
    replies: HashMap<Identifier, (PacketNo, K)>,
    events: VecDeque<Event>,
    next_message: MessageNo,
    next_packet: PacketNo,
    /// Whose turn it was last.
    turn: MessageNo,
}

impl<K> std::fmt::Debug for Messenger<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messenger")
            .field("messages", &self.messages.len())
            .field("packets", &self.packets.len())
            .field("under_way", &self.timers.len())
            .finish_non_exhaustive()
    }
}

impl<K> Messenger<K> {
    /// A messenger without messages.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            blocks: MAX_REPLY_BLOCKS,
            margin: Margin::default(),
            silence: Silence::default(),
            loss: Loss::default(),
            suspicion: Suspicion::default(),
            messages: BTreeMap::new(),
            packets: HashMap::new(),
            timers: BTreeSet::new(),
            replies: HashMap::new(),
            events: VecDeque::new(),
            next_message: MessageNo(1),
            next_packet: PacketNo(1),
            turn: MessageNo(0),
        }
    }

    /// Whether packets leave on a clock, a drop where there is none. A drop brings one reply block, so
    /// each packet does then: whoever watches the provider sees one leave for each that came. On a
    /// clock that costs no packet that would not have left anyhow.
    pub fn handle_pace(&mut self, paced: bool) {
        self.blocks = if paced { 1 } else { MAX_REPLY_BLOCKS };
    }

    /// Takes an order. Its end is an [`Event`], unless it is cancelled.
    pub fn handle_order<R: Rng + ?Sized>(
        &mut self,
        order: &Order<'_>,
        now: Instant,
        rng: &mut R,
    ) -> Result<MessageNo, OrderError> {
        if self.messages.len() >= self.limits.messages {
            return Err(OrderError::TooManyMessages(self.messages.len()));
        }
        let body = Request { service: order.service, payload: order.payload }.encode()?;
        let id = MessageId::generate(rng);
        let no = self.next_message;
        self.next_message.0 += 1;
        self.messages.insert(no, Outgoing::new(id, order, body, now));
        Ok(no)
    }

    /// Forgets a message that nobody waits for any more, and says what was done for it.
    pub fn handle_cancel(&mut self, message: MessageNo) -> Option<Tried> {
        self.forget(message).map(|message| message.tried)
    }

    /// A packet to be sealed and sent now. Answer with [`handle_sent`](Self::handle_sent) or
    /// [`handle_unsent`](Self::handle_unsent).
    pub fn poll_transmit(&mut self) -> Option<Draft> {
        if self.timers.len() >= self.limits.total_window {
            return None;
        }
        let after = self.messages.range(MessageNo(self.turn.0 + 1)..).map(|(no, _)| *no);
        let order: Vec<_> =
            after.chain(self.messages.range(..=self.turn).map(|(no, _)| *no)).collect();
        let first = order.iter().find_map(|no| self.draft(*no, false));
        // Copies are for losses, not for a client that has enough to send.
        let room = self.timers.len() < self.limits.total_window / 2;
        first.or_else(|| order.iter().filter(|_| room).find_map(|no| self.draft(*no, true)))
    }

    fn draft(&mut self, number: MessageNo, again: bool) -> Option<Draft> {
        let message = self.messages.get_mut(&number)?;
        if message.under_way.len() >= self.limits.window {
            return None;
        }
        let copies = if again { Copies::Of(&self.loss, self.limits.window) } else { Copies::One };
        // Where most packets are lost, whatever is asked comes more surely by several blocks.
        let blocks = if self.loss.is_high() { MAX_REPLY_BLOCKS } else { self.blocks };
        let (purpose, attempt) = message.next(copies, blocks)?;
        let content = match &purpose {
            Purpose::Fragment(index) => Content::Fragment {
                index: *index,
                count: message.count(),
                data: message.fragment(*index).to_vec(),
            },
            Purpose::Probe(_) => Content::Poll { wanted: as_often_as_fits(&[]) },
            Purpose::Poll(wanted) if self.loss.is_high() => {
                Content::Poll { wanted: as_often_as_fits(wanted) }
            }
            Purpose::Poll(wanted) => Content::Poll { wanted: wanted.clone() },
            Purpose::Supply(parts) => Content::Supply { parts: parts.clone() },
        };
        let (id, provider, traced) = (message.id, message.provider, message.traced);
        self.turn = number;
        let packet = self.next_packet;
        self.next_packet.0 += 1;
        let state = State::Drafted;
        self.packets.insert(packet, InFlight { message: number, purpose, attempt, state });
        Some(Draft { packet, number, message: id, provider, content, attempt, traced })
    }

    /// The packet was handed to the link now.
    pub fn handle_sent(&mut self, packet: PacketNo, sent: Sent<K>, now: Instant) {
        let Some(flying) = self.packets.get_mut(&packet) else { return };
        let Some(message) = self.messages.get_mut(&flying.message) else {
            // It ended while the packet waited for its tick.
            self.packets.remove(&packet);
            return;
        };
        let back = sent.replies.iter().map(|reply| reply.back).max().unwrap_or_default();
        let due = now + sent.there + back + self.margin.of_attempt(flying.attempt);
        message.handle_sent(packet, flying.attempt > 1, now);
        self.timers.insert((due, packet));
        let mut replies = Vec::with_capacity(sent.replies.len());
        for ReplyDue { identifier, back, route, key } in sent.replies {
            replies.push(Expected { identifier, back, route });
            self.replies.insert(identifier, (packet, key));
        }
        let Sent { there, route, .. } = sent;
        let answered = false;
        let flight = Flight { sent_at: now, there, due, route, replies, answered };
        flying.state = State::UnderWay(flight);
        // Never fewer than may be under way: forgetting one of those would lose its fragment.
        let remembered = self.limits.remembered.max(2 * self.limits.window);
        if message.sent.len() > remembered
            && let Some(oldest) = message.sent.pop_front()
        {
            message.under_way.remove(&oldest);
            self.forget_packet(oldest);
        }
    }

    /// The packet could not be sealed or sent; it will be drafted again.
    pub fn handle_unsent(&mut self, packet: PacketNo) {
        if let Some(flying) = self.packets.remove(&packet)
            && let Some(message) = self.messages.get_mut(&flying.message)
        {
            message.handle_unsent(packet, &flying.purpose);
        }
    }

    /// The packet could not be sealed, because its provider is not in the document any more: the
    /// message ends.
    pub fn handle_provider_gone(&mut self, packet: PacketNo) {
        let Some(flying) = self.packets.remove(&packet) else { return };
        if let Some(message) = self.forget(flying.message) {
            self.events.push_back(Event::ProviderGone(flying.message, message.tried));
        }
    }

    /// What reads the reply with this name.
    ///
    /// # Errors
    /// [`DropReason::UnknownReply`] if nobody waits for it: it is late, or a copy.
    pub fn key(&self, identifier: &Identifier) -> Result<&K, DropReason> {
        self.replies.get(identifier).map(|(_, key)| key).ok_or(DropReason::UnknownReply)
    }

    /// Takes a reply that has been read.
    ///
    /// # Errors
    /// [`DropReason::UnknownReply`] if nobody waits for it, [`DropReason::UnknownMessage`] if it
    /// is not an answer, or one that does not agree with earlier ones.
    pub fn handle_reply(
        &mut self,
        identifier: &Identifier,
        plaintext: &[u8],
        now: Instant,
    ) -> Result<Received, DropReason> {
        let (packet, _) = self.replies.remove(identifier).ok_or(DropReason::UnknownReply)?;
        let flying = self.packets.get_mut(&packet).ok_or(DropReason::UnknownReply)?;
        let number = flying.message;
        let message = self.messages.get_mut(&number).ok_or(DropReason::UnknownReply)?;
        // By a block that was sent ahead the response comes when it is there.
        let timed = matches!(flying.state, State::UnderWay(_))
            && !matches!(flying.purpose, Purpose::Supply(_));
        let flight = flying.flight_mut().ok_or(DropReason::UnknownReply)?;
        let at = flight.replies.iter().position(|reply| reply.identifier == *identifier);
        let reply = at.map(|at| flight.replies.swap_remove(at)).ok_or(DropReason::UnknownReply)?;
        let mixing_delay = flight.there + reply.back;
        let made = now.checked_sub(reply.back).unwrap_or(now);
        flight.answered = true;
        self.suspicion.handle_returned(&[&flight.route[..], &reply.route[..]].concat(), now);
        self.loss.handle_answered();
        if timed {
            let took = now.saturating_duration_since(flight.sent_at);
            self.margin.handle_sample(took.saturating_sub(mixing_delay));
        }
        let answer = Answer::decode(plaintext)?;
        if answer.message() != message.id {
            return Err(DropReason::UnknownMessage);
        }
        message.tried.packets_received += 1;
        let purpose = flying.purpose.clone();
        match message.handle_answer(answer, packet, &purpose, self.next_packet, now)? {
            Progress::Continues => self.settle(number),
            Progress::Began => {
                self.resume_supply(number, made);
                self.settle(number);
            }
            Progress::Done(response) => {
                if message.traced {
                    self.events.push_back(Event::PacketAnswered(packet));
                }
                if let Some(message) = self.forget(number) {
                    let elapsed = now.saturating_duration_since(message.began);
                    let tried = message.tried;
                    let delivered = Delivered { response, elapsed, mixing_delay, tried };
                    self.events.push_back(Event::Delivered(number, delivered));
                }
            }
        }
        Ok(Received { packet, message: number })
    }

    /// The response to a message was made at `made`: what comes of it without being asked for is
    /// waited for from now on.
    fn resume_supply(&mut self, number: MessageNo, made: Instant) {
        let Some(message) = self.messages.get_mut(&number) else { return };
        let margin = self.margin.of_attempt(1);
        let packets = self.packets.iter_mut().filter(|(_, flying)| flying.message == number);
        for (packet, flying) in packets {
            let Purpose::Supply(parts) = &flying.purpose else {
                if let Some(flight) = flying.flight().filter(|flight| !flight.answered) {
                    message.handle_first_due(flight.due_if_made(made) + margin);
                }
                continue;
            };
            if !message.is_awaited(*packet, &flying.purpose) {
                continue;
            }
            message.handle_supplied(parts);
            // One that waits for its tick has no timer yet.
            let Some(Resumed { was_due, due }) = flying.resume(made, margin) else { continue };
            if let Some(was_due) = was_due {
                self.timers.remove(&(was_due, *packet));
            }
            self.timers.insert((due, *packet));
            message.under_way.insert(*packet);
        }
    }

    /// Ends the wait for those of a message's packets whose answers are not needed any more.
    fn settle(&mut self, number: MessageNo) {
        let Some(message) = self.messages.get_mut(&number) else { return };
        let under_way = std::mem::take(&mut message.under_way);
        for packet in under_way {
            let Some(flying) = self.packets.get_mut(&packet) else { continue };
            if !message.is_settled(&flying.purpose) {
                message.under_way.insert(packet);
            } else if let Some(due) = flying.settle() {
                self.timers.remove(&(due, packet));
                if message.traced {
                    self.events.push_back(Event::PacketAnswered(packet));
                }
            }
        }
    }

    /// Time has passed: gives up packets that are overdue, and messages at their deadline.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(due, packet)) = self.timers.first()
            && due <= now
        {
            self.timers.pop_first();
            let Some(flying) = self.packets.get_mut(&packet) else { continue };
            flying.settle();
            let Some(message) = self.messages.get_mut(&flying.message) else { continue };
            message.under_way.remove(&packet);
            if !message.is_awaited(packet, &flying.purpose) {
                continue;
            }
            if let Some(flight) = flying.flight().filter(|flight| !flight.answered) {
                self.silence.handle_lost(flight.sent_at, now);
                self.loss.handle_lost();
                self.suspicion.handle_lost(&flight.suspects(), now);
            }
            message.handle_lost(packet, &flying.purpose);
            if message.traced {
                self.events.push_back(Event::PacketLost(packet));
            }
        }
        let mut passed = Vec::new();
        for (number, message) in &mut self.messages {
            if message.ends_at() <= now {
                passed.push(*number);
            } else {
                message.handle_timeout(now);
            }
        }
        for number in passed {
            if let Some(message) = self.forget(number) {
                self.events.push_back(Event::DeadlinePassed(number, message.tried));
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let packets = self.timers.first().map(|(due, _)| *due);
        packets.into_iter().chain(self.messages.values().map(Outgoing::poll_timeout)).min()
    }

    /// Something that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How late answers are.
    #[must_use]
    pub fn margin(&self) -> &Margin {
        &self.margin
    }

    /// Which nodes are likely to lose packets.
    #[must_use]
    pub fn suspicion(&self) -> &Suspicion {
        &self.suspicion
    }

    /// For others who see packets come back or not: loops.
    pub fn suspicion_mut(&mut self) -> &mut Suspicion {
        &mut self.suspicion
    }

    /// What became of a packet of a session.
    pub fn handle_way(&mut self, way: &Way, now: Instant) {
        match way {
            Way::Passed(route) => self.suspicion.handle_returned(route, now),
            Way::Lost { route, sent_at, until } => {
                self.silence.handle_lost(*sent_at, now.min(*until));
                self.suspicion.handle_lost(route, now);
            }
        }
    }

    /// Packets under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.timers.len()
    }

    /// Packets that may be under way.
    #[must_use]
    pub fn total_window(&self) -> usize {
        self.limits.total_window
    }

    /// How much is lost.
    #[must_use]
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// A packet came over the link, whether of use or not; or the link is a new one.
    pub fn handle_link_alive(&mut self, now: Instant) {
        self.silence.handle_arrival(&self.loss, now);
    }

    /// Whether so many packets were lost in a row, with nothing coming in between, that the
    /// gateway must be taken for dead.
    #[must_use]
    pub fn is_link_silent(&self) -> bool {
        self.silence.is_too_long()
    }

    /// Messages that have not ended.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Replies that are waited for, or would still be read.
    #[must_use]
    pub fn replies(&self) -> usize {
        self.replies.len()
    }

    /// The most replies that can ever be waited for.
    #[must_use]
    pub fn max_replies(&self) -> usize {
        self.limits.messages * self.limits.remembered * MAX_REPLY_BLOCKS
    }

    fn forget(&mut self, number: MessageNo) -> Option<Outgoing> {
        let message = self.messages.remove(&number)?;
        for packet in &message.sent {
            self.forget_packet(*packet);
        }
        Some(message)
    }

    fn forget_packet(&mut self, packet: PacketNo) {
        let Some(flying) = self.packets.remove(&packet) else { return };
        if let Some(flight) = flying.flight() {
            self.timers.remove(&(flight.due, packet));
            for reply in &flight.replies {
                self.replies.remove(&reply.identifier);
            }
        }
    }
}

/// These parts as often as there is room for reply blocks; part 0 if none is known.
fn as_often_as_fits(wanted: &[u16]) -> Vec<u16> {
    let parts = if wanted.is_empty() { &[0] } else { wanted };
    parts.iter().copied().cycle().take(MAX_REPLY_BLOCKS).collect()
}
