//! A mixnet in virtual time between the two ends of a session.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "each test uses a part of it"
)]

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::OnceLock,
    time::{Duration, Instant},
};

use mixbed_session::{
    BlockNo, ClientEnd, End, Event, Limits, ProviderEnd, Read, StreamId, opens_session,
    unknown_session,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Hops that hold a packet, there and back: a reply waits at the provider too. And links each way.
pub(crate) const HOLDS_THERE: usize = 4;
pub(crate) const HOLDS_BACK: usize = 5;
pub(crate) const LINKS: usize = 5;

/// The mean time that a hop holds a packet.
pub(crate) const MEAN: Duration = Duration::from_millis(50);

/// The mean of all delays of a round trip.
pub(crate) const ROUND_TRIP: Duration =
    Duration::from_millis(50 * (HOLDS_THERE + HOLDS_BACK) as u64);

/// What a packet goes through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// The probability that a link loses it.
    pub(crate) loss: f64,
    /// The mean of what each link takes beside the delays that were drawn.
    pub(crate) noise: Duration,
    /// What each packet takes beside all that.
    pub(crate) late: Duration,
}

pub(crate) fn exponential(mean: Duration, rng: &mut impl Rng) -> Duration {
    mean.mul_f64(-rng.random_range(f64::MIN_POSITIVE..1.0_f64).ln())
}

impl Path {
    pub(crate) fn draw(holds: usize, rng: &mut impl Rng) -> Duration {
        (0..holds).map(|_| exponential(MEAN, rng)).sum()
    }

    /// How much later than drawn it comes, if it comes.
    pub(crate) fn cross(self, rng: &mut impl Rng) -> Option<Duration> {
        let mut late = self.late;
        for _ in 0..LINKS {
            if rng.random_bool(self.loss) {
                return None;
            }
            late += exponential(self.noise, rng);
        }
        Some(late)
    }
}

#[derive(Debug)]
pub(crate) struct Block {
    no: BlockNo,
    back: Duration,
}

#[derive(Debug)]
enum Travelling {
    There { number: u32, frames: Vec<u8>, blocks: Vec<Block> },
    Back { block: BlockNo, plaintext: Vec<u8> },
}

#[derive(Debug)]
struct Arrival(Instant, u64, Travelling);

impl PartialEq for Arrival {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Arrival {}
impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) there: u64,
    pub(crate) back: u64,
    pub(crate) blocks: u64,
}

/// Both ends, and everything between.
pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) path: Path,
    /// Between two packets of the client.
    pub(crate) gap: Duration,
    slot: Instant,
    /// Something leaves after each gap, whether there is something to say or not.
    pub(crate) clocked: bool,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) client: ClientEnd,
    pub(crate) provider: Option<ProviderEnd<Block>>,
    limits: Limits,
    /// What the provider's end said.
    pub(crate) provider_events: Vec<Event>,
    pub(crate) client_events: Vec<Event>,
    /// The provider takes no new sessions: it was replaced by one that never saw this.
    pub(crate) grants: bool,
    travelling: BinaryHeap<Reverse<Arrival>>,
    serial: u64,
    next_block: u64,
    pub(crate) counts: Counts,
    pub(crate) arrived: u64,
    pub(crate) lost: u64,
    /// The client sends nothing any more.
    pub(crate) vanished: bool,
    alarm: Option<Instant>,
}

impl Net {
    pub(crate) fn new(seed: u64, loss: f64) -> Self {
        Self::with(seed, loss, Limits::default())
    }

    pub(crate) fn with(seed: u64, loss: f64, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            now,
            start: now,
            path: Path { loss, noise: Duration::from_micros(500), late: Duration::ZERO },
            gap: Duration::from_millis(5),
            slot: now,
            clocked: false,
            rng: ChaCha8Rng::seed_from_u64(seed),
            client: ClientEnd::new(limits, now),
            provider: None,
            limits,
            provider_events: Vec::new(),
            client_events: Vec::new(),
            grants: true,
            travelling: BinaryHeap::new(),
            serial: 0,
            next_block: 0,
            counts: Counts::default(),
            arrived: 0,
            lost: 0,
            vanished: false,
            alarm: None,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn open(&mut self) -> StreamId {
        self.client.open("echo", "some.where:80", self.now).expect("a stream opens")
    }

    /// Something happens by then.
    pub(crate) fn wake_in(&mut self, time: Duration) {
        self.alarm = Some(self.now + time);
    }

    fn travel(&mut self, drawn: Duration, what: Travelling) {
        if let Some(late) = self.path.cross(&mut self.rng) {
            self.serial += 1;
            self.travelling.push(Reverse(Arrival(self.now + drawn + late, self.serial, what)));
        }
    }

    /// Both ends send what they may, and say what happened.
    fn settle(&mut self) {
        let now = self.now;
        while now >= self.slot && !self.vanished {
            let mut draft = self.client.poll_transmit(now);
            if draft.is_none() && self.clocked {
                draft = self.client.poll_spare(now);
            }
            let Some(draft) = draft else { break };
            assert!(
                draft.frames.len() <= mixbed_wire::message::max_fragment_data(draft.blocks),
                "{} bytes beside {} blocks",
                draft.frames.len(),
                draft.blocks
            );
            self.slot = now + self.gap;
            self.counts.there += 1;
            self.counts.blocks += draft.blocks as u64;
            let mut blocks = Vec::new();
            for _ in 0..draft.blocks {
                self.next_block += 1;
                let no = BlockNo(self.next_block);
                blocks.push(Block { no, back: Path::draw(HOLDS_BACK, &mut self.rng) });
            }
            let there = Path::draw(HOLDS_THERE, &mut self.rng);
            let backs: Vec<_> = blocks.iter().map(|block| (block.no, block.back)).collect();
            self.client.handle_sent(draft.number, there, &backs, now);
            self.travel(
                there,
                Travelling::There { number: draft.number, frames: draft.frames, blocks },
            );
        }
        if let Some(provider) = &mut self.provider {
            let mut replies = Vec::new();
            while let Some((block, plaintext)) = provider.poll_transmit(now) {
                assert!(plaintext.len() <= mixbed_wire::MAX_PLAINTEXT);
                replies.push((block, plaintext));
            }
            while let Some(event) = provider.poll_event() {
                if let Event::Asked { stream, .. } = event
                    && self.grants
                {
                    provider.grant(stream);
                }
                self.provider_events.push(event);
            }
            for (block, plaintext) in replies {
                self.reply(block, plaintext);
            }
            if self.provider.as_ref().is_some_and(ProviderEnd::is_over) {
                self.provider = None;
            }
        }
        self.client_events.extend(std::iter::from_fn(|| self.client.poll_event()));
        self.arrived += std::iter::from_fn(|| self.client.poll_arrived()).count() as u64;
        self.lost += std::iter::from_fn(|| self.client.poll_lost()).count() as u64;
        while self.client.poll_forget().is_some() {}
    }

    fn reply(&mut self, block: Block, plaintext: Vec<u8>) {
        self.counts.back += 1;
        self.travel(block.back, Travelling::Back { block: block.no, plaintext });
    }

    /// One thing happens. `false` if nothing is going to happen any more.
    pub(crate) fn step(&mut self) -> bool {
        self.settle();
        let slot = (self.slot > self.now).then_some(self.slot);
        let arrival = self.travelling.peek().map(|Reverse(arrival)| arrival.0);
        let provider = self.provider.as_ref().and_then(End::poll_timeout);
        let client = self.client.poll_timeout().filter(|_| !self.vanished);
        let later = |at: &Instant| *at > self.now;
        let next = [slot, self.alarm.filter(later), client.filter(later), provider.filter(later)];
        let Some(next) = next.into_iter().flatten().chain(arrival).min() else { return false };
        self.now = self.now.max(next);
        if arrival.is_some_and(|at| at <= self.now)
            && let Some(Reverse(Arrival(_, _, what))) = self.travelling.pop()
        {
            self.deliver(what);
        }
        if let Some(provider) = &mut self.provider {
            provider.handle_timeout(self.now);
        }
        if !self.vanished {
            self.client.handle_timeout(self.now);
        }
        self.settle();
        true
    }

    fn deliver(&mut self, what: Travelling) {
        match what {
            Travelling::There { number, frames, blocks } => {
                if self.provider.is_none() && opens_session(&frames) {
                    self.provider = Some(ProviderEnd::new(self.limits, self.now));
                }
                if let Some(provider) = &mut self.provider {
                    provider
                        .handle_packet(number, &frames, blocks, self.now)
                        .expect("an honest packet");
                } else if let Some(block) = blocks.into_iter().next() {
                    self.reply(block, unknown_session());
                }
            }
            Travelling::Back { block, plaintext } => {
                // A late one may be forgotten.
                let _ = self.client.handle_reply(block, &plaintext, self.now);
            }
        }
    }

    /// Steps until something is so; `false` if it is not after so long.
    pub(crate) fn until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        let end = self.now + limit;
        loop {
            self.settle();
            if done(self) {
                self.settle();
                return true;
            }
            // Not beyond the end.
            self.alarm = Some(self.alarm.filter(|at| *at > self.now && *at < end).unwrap_or(end));
            if self.now >= end || !self.step() {
                return false;
            }
        }
    }
}

/// A stream's bytes come again after so many, a prime.
const PERIOD: usize = 65_521;

/// Some bytes of a stream, at most `most` and at least one.
pub(crate) fn bytes(seed: u64, offset: u64, most: usize) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let mut bytes = vec![0; PERIOD];
        ChaCha8Rng::seed_from_u64(0).fill_bytes(&mut bytes);
        bytes
    });
    let from = usize::try_from((seed * 977 + offset) % PERIOD as u64).unwrap();
    &bytes[from..PERIOD.min(from + most)]
}

/// One direction of one stream: so many bytes, written as fast as they are taken, then the end.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) id: StreamId,
    pub(crate) seed: u64,
    pub(crate) total: u64,
    pub(crate) written: u64,
    pub(crate) read: u64,
    pub(crate) ended: bool,
    finished: bool,
    pub(crate) first: Option<Instant>,
}

impl Flow {
    pub(crate) fn new(id: StreamId, seed: u64, total: u64) -> Self {
        let finished = false;
        Self { id, seed, total, written: 0, read: 0, ended: false, finished, first: None }
    }

    /// Writes what is taken, at most `most` bytes.
    pub(crate) fn write(&mut self, end: &mut impl End, most: u64) {
        let until = self.total.min(self.written.saturating_add(most));
        while self.written < until {
            let most = (until - self.written).min(16_384) as usize;
            let data = bytes(self.seed, self.written, most);
            let taken = end.write(self.id, data).expect("the stream lives");
            if taken == 0 {
                break;
            }
            self.written += taken as u64;
        }
        if self.written == self.total && !self.finished {
            self.finished = true;
            end.finish(self.id);
        }
    }

    /// Reads what there is, and looks whether it is right.
    pub(crate) fn read(&mut self, end: &mut impl End, now: Instant) {
        let mut buffer = [0; 4_096];
        while !self.ended {
            match end.read(self.id, &mut buffer).expect("the stream lives") {
                Read::Data(length) => {
                    self.first.get_or_insert(now);
                    let mut got = &buffer[..length];
                    while !got.is_empty() {
                        let expected = bytes(self.seed, self.read, got.len());
                        let (these, rest) = got.split_at(expected.len());
                        assert!(these == expected, "other bytes at {} of {self:?}", self.read);
                        self.read += these.len() as u64;
                        got = rest;
                    }
                }
                Read::Nothing => break,
                Read::End => self.ended = true,
            }
        }
        assert!(!self.ended || self.read == self.total, "an early end of {self:?}");
    }
}

/// A stream with both of its directions.
pub(crate) struct Pair {
    pub(crate) up: Flow,
    pub(crate) down: Flow,
}

impl Pair {
    pub(crate) fn open(net: &mut Net, seed: u64, up: u64, down: u64) -> Self {
        let id = net.open();
        Self { up: Flow::new(id, seed * 2, up), down: Flow::new(id, seed * 2 + 1, down) }
    }

    /// Both sides do what they can. Whether all is done.
    pub(crate) fn work(&mut self, net: &mut Net) -> bool {
        self.work_slowly(net, u64::MAX)
    }

    /// The same, but no more than some bytes are written.
    pub(crate) fn work_slowly(&mut self, net: &mut Net, most: u64) -> bool {
        if !self.up.finished {
            self.up.write(&mut net.client, most);
        }
        if !self.down.ended && net.client.is_granted(self.down.id) {
            self.down.read(&mut net.client, net.now);
        }
        if let Some(provider) = &mut net.provider
            && (provider.is_granted(self.up.id) || (self.down.finished && !self.is_done()))
        {
            if !self.up.ended {
                self.up.read(provider, net.now);
            }
            if !self.down.finished {
                self.down.write(provider, most);
            }
        }
        self.is_done()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.up.ended && self.down.ended
    }
}
