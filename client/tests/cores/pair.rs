//! Both cores, and a network between them that a seed decides about.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use mixbed_client::core::{
    Cover, Delivered, Draft, Event, Limits, MessageNo, Messenger, Order, Sent, Tick, Tried, Weights,
};
use mixbed_directory::Rates;
use mixbed_node::provider::exchange::{Bounds, Exchange, Fragment};
use mixbed_wire::message::{Answer, Forward, MessageId, Response};
use mixbed_wire::{DropReason, Identifier, NodeId, REPLY_BLOCK_SIZE};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

pub(crate) const PROVIDER: NodeId = NodeId::from_bytes([5; 8]);

/// What carries plaintexts there and back: with Sphinx, or without for speed.
pub(crate) trait Carrier {
    type Packet: Clone;
    type Key;
    type Block;

    /// The packet, and what the client has to know of it.
    fn seal(&mut self, draft: &Draft, rng: &mut ChaCha20Rng) -> (Sent<Self::Key>, Self::Packet);

    /// What the provider finds in a packet.
    fn arrive(&mut self, packet: Self::Packet) -> Vec<u8>;

    /// Who is likely to lose packets, as the client sees it now.
    fn choose_by(&mut self, _weights: Weights) {}

    /// Whether the packet is lost on the way that was chosen for it.
    fn loses(&mut self, _packet: &Self::Packet, _rng: &mut ChaCha20Rng) -> bool {
        false
    }

    fn block(&mut self, bytes: &[u8; REPLY_BLOCK_SIZE]) -> Self::Block;

    /// The reply, and how long its hops hold it.
    fn reply(&mut self, block: Self::Block, answer: &Answer) -> (Duration, Self::Packet);

    /// What the client finds in a packet.
    fn read(
        &mut self,
        messenger: &Messenger<Self::Key>,
        packet: Self::Packet,
    ) -> Result<(Identifier, Vec<u8>), DropReason>;
}

enum Due<P> {
    AtProvider(P),
    AtClient(P),
    Served(MessageId, Response),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) there: u64,
    pub(crate) back: u64,
    pub(crate) lost: u64,
    pub(crate) dropped: u64,
}

/// Two cores and the network between them.
pub(crate) struct Pair<C: Carrier> {
    pub(crate) now: Instant,
    pub(crate) messenger: Messenger<C::Key>,
    pub(crate) exchange: Exchange<C::Block>,
    pub(crate) counts: Counts,
    /// How often each message's service ran.
    pub(crate) runs: HashMap<MessageId, u32>,
    pub(crate) loss: f64,
    /// Each packet arrives twice if this is set.
    pub(crate) twice: bool,
    pub(crate) service_time: Duration,
    /// Answers have so many bytes, if they are no echoes.
    pub(crate) answer_length: Option<usize>,
    /// Answers that are lost before loss is drawn.
    pub(crate) lose_answers: u32,
    /// What becomes of the next packets, in whichever direction: each arrives so often, so much
    /// later than its delays. Afterwards loss is drawn.
    pub(crate) fates: VecDeque<Vec<Duration>>,
    /// When services were called.
    pub(crate) calls: Vec<(MessageId, Instant)>,
    pub(crate) ended: HashMap<MessageNo, Result<Delivered, Tried>>,
    pub(crate) packet_events: Vec<Event>,
    /// When each packet left the client, cover included: all that an observer sees of it.
    pub(crate) left: Vec<Instant>,
    pub(crate) payload_sent: u64,
    pub(crate) carrier: C,
    cover: Cover,
    flying: BTreeMap<(Instant, u64), Due<C::Packet>>,
    counter: u64,
    rng: ChaCha20Rng,
    seed: u64,
}

impl<C: Carrier> Drop for Pair<C> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {}, loss {}: {:?}", self.seed, self.loss, self.messenger);
        }
    }
}

impl<C: Carrier> Pair<C> {
    pub(crate) fn new(carrier: C, seed: u64, loss: f64) -> Self {
        Self {
            now: Instant::now(),
            messenger: Messenger::new(Limits::default()),
            exchange: Exchange::new(Bounds::default()),
            counts: Counts::default(),
            runs: HashMap::new(),
            loss,
            twice: false,
            service_time: Duration::from_millis(5),
            answer_length: None,
            lose_answers: 0,
            fates: VecDeque::new(),
            calls: Vec::new(),
            ended: HashMap::new(),
            packet_events: Vec::new(),
            left: Vec::new(),
            payload_sent: 0,
            cover: Cover::default(),
            carrier,
            flying: BTreeMap::new(),
            counter: 0,
            rng: ChaCha20Rng::seed_from_u64(seed),
            seed,
        }
    }

    pub(crate) fn order(&mut self, payload: &[u8], deadline: Duration) -> MessageNo {
        self.order_expecting(payload, deadline, 0)
    }

    pub(crate) fn order_expecting(
        &mut self,
        payload: &[u8],
        deadline: Duration,
        expected: usize,
    ) -> MessageNo {
        let deadline = self.now + deadline;
        let order = Order {
            provider: PROVIDER,
            service: "echo",
            payload,
            deadline,
            unheard: None,
            expected,
            traced: true,
        };
        self.messenger.handle_order(&order, self.now, &mut self.rng).expect("a good order")
    }

    /// From now on the client sends at these rates.
    pub(crate) fn cover_at(&mut self, rates: Rates) {
        self.cover.handle_rates(&rates, self.now, &mut self.rng);
    }

    /// Runs until nothing is left to do.
    pub(crate) fn run(&mut self) {
        while self.step() {}
    }

    /// Runs for a while.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.send();
        while self.next_time().is_some_and(|next| next <= end) && self.step() {
            self.send();
        }
        self.now = end;
    }

    /// Runs, and returns how a message ended.
    pub(crate) fn finish(&mut self, message: MessageNo) -> Result<Delivered, Tried> {
        while !self.ended.contains_key(&message) {
            assert!(self.step(), "nothing is left to do, and the message has not ended");
        }
        self.ended.remove(&message).expect("it has ended")
    }

    fn next_time(&self) -> Option<Instant> {
        let flying = self.flying.first_key_value().map(|((at, _), _)| *at);
        let timers = [flying, self.messenger.poll_timeout(), self.cover.poll_timeout()];
        timers.into_iter().flatten().min()
    }

    /// Does what can be done now, then moves to the next time something happens.
    fn step(&mut self) -> bool {
        self.send();
        self.collect();
        let Some(next) = self.next_time() else { return false };
        self.now = self.now.max(next);
        self.messenger.handle_timeout(self.now);
        while let Some(entry) = self.flying.first_entry()
            && entry.key().0 <= self.now
        {
            match entry.remove() {
                Due::AtProvider(packet) => self.at_provider(packet),
                Due::AtClient(packet) => self.at_client(packet),
                Due::Served(message, response) => {
                    self.exchange.handle_response(message, &response, self.now);
                    self.answer();
                }
            }
        }
        self.collect();
        true
    }

    fn collect(&mut self) {
        while let Some(event) = self.messenger.poll_event() {
            let (message, end) = match event {
                Event::Delivered(message, delivered) => (message, Ok(delivered)),
                Event::DeadlinePassed(message, tried) => (message, Err(tried)),
                other => {
                    self.packet_events.push(other);
                    continue;
                }
            };
            assert!(self.ended.insert(message, end).is_none(), "a message ends once");
        }
    }

    fn send(&mut self) {
        while let Some(tick) = self.cover.poll_tick(self.now, &mut self.rng) {
            // Where a drop or a loop goes, and what comes of it, is of no interest here.
            if tick != Tick::Payload || !self.send_payload() {
                self.left.push(self.now);
            }
        }
        while !self.cover.paces_payload() && self.send_payload() {}
    }

    fn send_payload(&mut self) -> bool {
        let Some(draft) = self.messenger.poll_transmit() else { return false };
        self.carrier.choose_by(self.messenger.suspicion().weights(self.now));
        let (sent, packet) = self.carrier.seal(&draft, &mut self.rng);
        let there = sent.there;
        self.messenger.handle_sent(draft.packet, sent, self.now);
        self.counts.there += 1;
        self.payload_sent += 1;
        self.left.push(self.now);
        self.fly(there, Due::AtProvider, &packet, false);
        true
    }

    fn fly(
        &mut self,
        delays: Duration,
        to: fn(C::Packet) -> Due<C::Packet>,
        packet: &C::Packet,
        lose: bool,
    ) {
        if let Some(fate) = self.fates.pop_front() {
            self.counts.lost += u64::from(fate.is_empty());
            for late in fate {
                self.due(delays + late, to(packet.clone()));
            }
            return;
        }
        let lose = lose || self.carrier.loses(packet, &mut self.rng);
        if lose || self.rng.random_bool(self.loss) {
            self.counts.lost += 1;
            return;
        }
        for _ in 0..=u8::from(self.twice) {
            let overhead = Duration::from_micros(self.rng.random_range(500..20_000));
            self.due(delays + overhead, to(packet.clone()));
        }
    }

    fn due(&mut self, after: Duration, due: Due<C::Packet>) {
        self.counter += 1;
        self.flying.insert((self.now + after, self.counter), due);
    }

    fn at_provider(&mut self, packet: C::Packet) {
        let plaintext = self.carrier.arrive(packet);
        match Forward::decode(&plaintext).expect("well made") {
            Forward::Cover | Forward::Session { .. } => {}
            Forward::Fragment { message, index, count, blocks, data } => {
                let blocks = blocks.iter().map(|block| self.carrier.block(block)).collect();
                let fragment = Fragment { message, index, count, data };
                self.exchange.handle_fragment(fragment, blocks, None, self.now).expect("taken");
            }
            Forward::Poll { message, blocks, wanted } => {
                let blocks = blocks.iter().map(|block| self.carrier.block(block)).collect();
                let wanted: Vec<_> = wanted.iter().map(|part| u16::from_be_bytes(*part)).collect();
                self.exchange.handle_poll(message, &wanted, blocks, self.now);
            }
            Forward::Supply { message, blocks, parts } => {
                let blocks = blocks.iter().map(|block| self.carrier.block(block)).collect();
                let parts: Vec<_> = parts.iter().map(|part| u16::from_be_bytes(*part)).collect();
                let taken = self.exchange.handle_supply(message, &parts, blocks, self.now);
                // Copies of all blocks are more than are kept.
                assert!(taken.is_ok() || self.twice, "there is room");
            }
        }
        while let Some(call) = self.exchange.poll_call() {
            assert_eq!(call.service, "echo");
            *self.runs.entry(call.message).or_default() += 1;
            self.calls.push((call.message, self.now));
            let answer = self.answer_length.map(|length| vec![7; length]);
            let response = Response::Ok(answer.unwrap_or(call.payload));
            self.due(self.service_time, Due::Served(call.message, response));
        }
        self.answer();
    }

    fn answer(&mut self) {
        while let Some((block, answer)) = self.exchange.poll_reply() {
            let (back, packet) = self.carrier.reply(block, &answer);
            self.counts.back += 1;
            let lose = self.lose_answers > 0;
            self.lose_answers -= u32::from(lose);
            self.fly(back, Due::AtClient, &packet, lose);
        }
    }

    fn at_client(&mut self, packet: C::Packet) {
        let taken =
            self.carrier.read(&self.messenger, packet).and_then(|(identifier, plaintext)| {
                self.messenger.handle_reply(&identifier, &plaintext, self.now)
            });
        if let Err(reason) = taken {
            assert_eq!(reason, DropReason::UnknownReply, "only late or double replies drop");
            self.counts.dropped += 1;
        }
    }

    /// The messenger holds nothing any more.
    pub(crate) fn assert_clean(&self) {
        assert_eq!((self.messenger.messages(), self.messenger.replies()), (0, 0));
        assert_eq!(self.messenger.poll_timeout(), None);
    }
}
