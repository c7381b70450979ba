//! A client's sessions and a provider's, and a network between them that a seed decides about. In
//! virtual time, without Sphinx.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use mixbed_client::core::{
    Limits, Messenger, Order, Payload, ReplyDue, Sealable as _, Sent, Session, Sessions, Suspicion,
    Turns,
};
use mixbed_session::{ClientEnd, End, Event, ProviderEnd, Read, StreamId, opens_session};
use mixbed_wire::message::SessionId;
use mixbed_wire::{Identifier, NodeId, exponential_delay};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

pub(crate) const PROVIDER: NodeId = NodeId::from_bytes([5; 8]);
const MEAN: Duration = Duration::from_millis(50);

/// A way back: the reply's name, and how long its hops hold it.
struct Block {
    identifier: Identifier,
    back: Duration,
    lost: bool,
}

enum Due {
    AtProvider { session: SessionId, number: u32, frames: Vec<u8>, blocks: Vec<Block> },
    AtClient { identifier: Identifier, reply: Vec<u8> },
}

/// An end at the provider, that echoes.
struct Echo {
    end: ProviderEnd<Block>,
    streams: BTreeMap<StreamId, Vec<u8>>,
}

pub(crate) struct Lane {
    pub(crate) now: Instant,
    pub(crate) sessions: Sessions<()>,
    pub(crate) messenger: Messenger<()>,
    turns: Turns,
    /// What of a hop's packets is lost, by node; the others lose this share.
    pub(crate) bad: HashMap<NodeId, f64>,
    pub(crate) loss: f64,
    /// Packets that leave in a second, if there is a clock; one a turn.
    pub(crate) sent: BTreeMap<&'static str, u64>,
    echoes: HashMap<SessionId, Echo>,
    flying: BTreeMap<(Instant, u64), Due>,
    counter: u64,
    rng: ChaCha20Rng,
}

impl Lane {
    pub(crate) fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self {
            now: Instant::now(),
            sessions: Sessions::default(),
            messenger: Messenger::new(Limits::default()),
            turns: Turns::default(),
            bad: HashMap::new(),
            loss: 0.0,
            sent: BTreeMap::new(),
            echoes: HashMap::new(),
            flying: BTreeMap::new(),
            counter: 0,
            rng: ChaCha20Rng::seed_from_u64(seed),
        }
    }

    pub(crate) fn session(&mut self, isolation: &str) -> Session {
        let limits = mixbed_session::Limits::default();
        let (now, rng) = (self.now, &mut self.rng);
        self.sessions.choose(&[PROVIDER], Some(isolation), limits, now, rng).expect("room")
    }

    pub(crate) fn order(&mut self, payload: &[u8]) {
        let order = Order {
            provider: PROVIDER,
            service: "echo",
            payload,
            deadline: self.now + Duration::from_secs(60),
            unheard: None,
            expected: 0,
            traced: false,
        };
        self.messenger.handle_order(&order, self.now, &mut self.rng).expect("taken");
    }

    /// The provider has forgotten everything.
    pub(crate) fn restart_provider(&mut self) {
        self.echoes.clear();
    }

    /// Sends all there is to send now; says what was sent.
    pub(crate) fn send(&mut self) {
        while self.send_one().is_some() {}
    }

    /// One packet, if there is one.
    pub(crate) fn send_one(&mut self) -> Option<()> {
        let payload = self.turns.poll(&mut self.messenger, &mut self.sessions, self.now)?;
        let (route, there) = self.route();
        let lost = self.loses(&route);
        let mut replies = Vec::new();
        let mut blocks = Vec::new();
        for _ in 0..payload.blocks() {
            let (route, back) = self.route();
            let lost = self.loses(&route);
            let mut identifier = [0; 16];
            self.rng.fill_bytes(&mut identifier);
            blocks.push(Block { identifier, back, lost });
            replies.push(ReplyDue { identifier, back, route, key: () });
        }
        let sent = Sent { there, route, replies };
        match payload {
            Payload::Message(draft) => {
                *self.sent.entry("message").or_default() += 1;
                self.messenger.handle_sent(draft.packet, sent, self.now);
            }
            Payload::Session(draft) => {
                *self.sent.entry("session").or_default() += 1;
                self.sessions.handle_sent(&draft, sent, self.now);
                let (session, number, frames) = (draft.id, draft.number, draft.frames);
                if !lost {
                    self.due(there, Due::AtProvider { session, number, frames, blocks });
                }
            }
        }
        Some(())
    }

    /// Moves to the next time that something happens.
    pub(crate) fn step(&mut self) -> bool {
        self.send();
        let flying = self.flying.first_key_value().map(|((at, _), _)| *at);
        let ends = self.echoes.values().filter_map(|echo| echo.end.poll_timeout()).min();
        let timers = [flying, ends, self.sessions.poll_timeout(), self.messenger.poll_timeout()];
        let Some(next) = timers.into_iter().flatten().min() else { return false };
        self.now = self.now.max(next);
        self.sessions.handle_timeout(self.now);
        self.messenger.handle_timeout(self.now);
        while let Some(entry) = self.flying.first_entry()
            && entry.key().0 <= self.now
        {
            match entry.remove() {
                Due::AtProvider { session, number, frames, blocks } => {
                    self.at_provider(session, number, &frames, blocks);
                }
                Due::AtClient { identifier, reply } => {
                    if self.sessions.key(&identifier).is_some() {
                        let taken = self.sessions.handle_reply(&identifier, &reply, self.now);
                        taken.expect("well made");
                    }
                }
            }
        }
        let known: Vec<_> = self.echoes.keys().copied().collect();
        for session in known {
            self.serve(session);
        }
        while let Some(way) = self.sessions.poll_way() {
            self.messenger.handle_way(&way, self.now);
        }
        true
    }

    pub(crate) fn suspicion(&self) -> &Suspicion {
        self.messenger.suspicion()
    }

    /// A gateway, one of three mixes in each of three layers.
    fn route(&mut self) -> (Vec<NodeId>, Duration) {
        let mut route = vec![NodeId::from_bytes([9; 8])];
        for layer in 1..=3 {
            let mix = self.rng.random_range(0..3);
            route.push(NodeId::from_bytes([10 * layer + mix; 8]));
        }
        let delay = (0..4).map(|_| exponential_delay(MEAN, &mut self.rng)).sum();
        (route, delay)
    }

    fn loses(&mut self, route: &[NodeId]) -> bool {
        let passes = |node: &NodeId| 1.0 - self.bad.get(node).copied().unwrap_or(0.0);
        let passes: f64 = route.iter().map(passes).product();
        self.rng.random_bool(1.0 - passes * (1.0 - self.loss))
    }

    fn due(&mut self, after: Duration, due: Due) {
        self.counter += 1;
        let overhead = Duration::from_micros(self.rng.random_range(500..20_000));
        self.flying.insert((self.now + after + overhead, self.counter), due);
    }

    fn at_provider(&mut self, id: SessionId, number: u32, frames: &[u8], mut blocks: Vec<Block>) {
        if !self.echoes.contains_key(&id) && !opens_session(frames) {
            if let Some(block) = blocks.pop() {
                self.reply(block, mixbed_session::unknown_session());
            }
            return;
        }
        let now = self.now;
        let limits = mixbed_session::Limits::default();
        let new = || Echo { end: ProviderEnd::new(limits, now), streams: BTreeMap::new() };
        let echo = self.echoes.entry(id).or_insert_with(new);
        echo.end.handle_packet(number, frames, blocks, now).expect("well made");
    }

    fn serve(&mut self, session: SessionId) {
        let Some(echo) = self.echoes.get_mut(&session) else { return };
        if echo.end.poll_timeout().is_some_and(|at| at <= self.now) {
            echo.end.handle_timeout(self.now);
        }
        while let Some(event) = echo.end.poll_event() {
            if let Event::Asked { stream, .. } = event {
                echo.end.grant(stream);
                echo.streams.insert(stream, Vec::new());
            }
        }
        let Echo { end, streams } = echo;
        streams.retain(|id, waiting| pump(end, *id, waiting));
        let mut replies = Vec::new();
        while let Some(reply) = echo.end.poll_transmit(self.now) {
            replies.push(reply);
        }
        for (block, reply) in replies {
            self.reply(block, reply);
        }
    }

    fn reply(&mut self, Block { identifier, back, lost }: Block, reply: Vec<u8>) {
        if !lost {
            self.due(back, Due::AtClient { identifier, reply });
        }
    }
}

/// Says back what is heard; whether there may be more.
fn pump(end: &mut ProviderEnd<Block>, id: StreamId, waiting: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    loop {
        if !waiting.is_empty() {
            let Ok(written) = end.write(id, waiting) else { return false };
            waiting.drain(..written);
            if !waiting.is_empty() {
                return true;
            }
        }
        match end.read(id, &mut buffer) {
            Ok(Read::Data(read)) => waiting.extend_from_slice(&buffer[..read]),
            Ok(Read::Nothing) => return true,
            Ok(Read::End) => {
                end.finish(id);
                return false;
            }
            Err(_) => return false,
        }
    }
}

/// A stream's user: writes so many bytes, ends, reads what comes back.
pub(crate) struct User {
    session: Session,
    id: StreamId,
    left: usize,
    at: usize,
    pub(crate) back: usize,
    pub(crate) ended: bool,
}

impl User {
    pub(crate) fn new(session: &Session, bytes: usize, now: Instant) -> Self {
        let id = session.end.lock().open("echo", "", now).expect("opened");
        let session = session.clone();
        Self { session, id, left: bytes, at: 0, back: 0, ended: false }
    }

    /// Writes and reads what it can.
    pub(crate) fn act(&mut self) {
        if self.ended {
            return;
        }
        let mut end = self.session.end.lock();
        while self.left > 0 {
            let data: Vec<_> = (self.at..self.at + self.left.min(4096)).map(byte).collect();
            let written = end.write(self.id, &data).expect("open");
            if written == 0 {
                break;
            }
            self.at += written;
            self.left -= written;
            if self.left == 0 {
                end.finish(self.id);
            }
        }
        let mut buffer = [0; 4096];
        loop {
            match end.read(self.id, &mut buffer).expect("open") {
                Read::Data(read) => {
                    for got in &buffer[..read] {
                        assert_eq!(*got, byte(self.back), "at {}", self.back);
                        self.back += 1;
                    }
                }
                Read::Nothing => return,
                Read::End => {
                    self.ended = true;
                    return;
                }
            }
        }
    }

    pub(crate) fn end(&self) -> impl std::ops::Deref<Target = ClientEnd> {
        self.session.end.lock()
    }
}

fn byte(at: usize) -> u8 {
    crate::rig::byte(at)
}
