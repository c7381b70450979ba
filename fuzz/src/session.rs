//! Each end of a session against another one that says anything, in any order.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mixbed_session::{
    BlockNo, ClientEnd, Code, Draft, End, Event, Limits, ProviderEnd, Reason, StreamId,
};
use mixbed_wire::MAX_PLAINTEXT;
use mixbed_wire::message::max_fragment_data;

use crate::Seed;
use crate::input::Input;

/// Small, so that a short input reaches them.
fn limits() -> Limits {
    Limits { streams: 4, in_flight: 16, blocks: 8, ..Limits::default() }
}

/// The most streams that a provider knows of: as `docs/streams.md` has it.
const MOST_STREAMS: usize = 2 * 4 + 16;

/// What one end sends fits into packets, uses no block twice and stays within its limits, whatever the
/// other one does; and after its end it says no more than a farewell.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    if input.byte().is_multiple_of(2) {
        Provider::new().run(&mut input);
    } else {
        Client::new().run(&mut input);
    }
}

/// What whoever has streams does with one of them.
fn use_stream(end: &mut impl End, streams: &BTreeSet<StreamId>, input: &mut Input<'_>) {
    let at = usize::from(input.byte()) % streams.len().max(1);
    let Some(id) = streams.iter().nth(at).copied() else { return };
    match input.byte() % 5 {
        // Errors say that it has ended.
        0 => drop(end.read(id, &mut [0; 3_000])),
        1 => drop(end.write(id, &vec![7; usize::from(input.u16())])),
        2 => end.finish(id),
        3 => end.reset(id, Reason::from(Code::Closed)),
        _ => end.release(id),
    }
}

struct Provider {
    end: ProviderEnd<u32>,
    now: Instant,
    streams: BTreeSet<StreamId>,
    blocks: u32,
    used: BTreeSet<u32>,
}

impl Provider {
    fn new() -> Self {
        let now = Instant::now();
        let end = ProviderEnd::new(limits(), now);
        Self { end, now, streams: BTreeSet::new(), blocks: 0, used: BTreeSet::new() }
    }

    fn run(mut self, input: &mut Input<'_>) {
        while !input.is_empty() {
            match input.byte() % 6 {
                0 => self.now += Duration::from_millis(u64::from(input.u16()) * 8),
                1 => {
                    if let Some(id) = self.streams.last() {
                        self.end.grant(*id);
                    }
                }
                2 => use_stream(&mut self.end, &self.streams, input),
                _ => {
                    let number = u32::from(input.u16());
                    let blocks = u32::from(input.byte() % 7);
                    let given = (self.blocks..self.blocks + blocks).collect();
                    self.blocks += blocks;
                    // What breaks the rules is refused.
                    let _ = self.end.handle_packet(number, input.long(), given, self.now);
                }
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        let Self { end, now, streams, used, .. } = self;
        end.handle_timeout(*now);
        while let Some(event) = end.poll_event() {
            if let Event::Asked { stream, .. } = event {
                streams.insert(stream);
            }
        }
        while let Some((block, plaintext)) = end.poll_transmit(*now) {
            assert!(plaintext.len() <= MAX_PLAINTEXT);
            assert!(used.insert(block), "block {block} is used twice");
        }
        assert!(end.blocks_held() <= limits().blocks && end.streams() <= MOST_STREAMS);
        assert!(end.is_over() || end.poll_timeout().is_some(), "it looks at the clock again");
    }
}

struct Client {
    end: ClientEnd,
    now: Instant,
    streams: BTreeSet<StreamId>,
    blocks: u64,
    /// Drafts since the session was over.
    farewells: usize,
}

impl Client {
    fn new() -> Self {
        let now = Instant::now();
        let end = ClientEnd::new(limits(), now);
        Self { end, now, streams: BTreeSet::new(), blocks: 0, farewells: 0 }
    }

    fn run(mut self, input: &mut Input<'_>) {
        while !input.is_empty() {
            match input.byte() % 6 {
                0 => self.now += Duration::from_millis(u64::from(input.u16()) * 8),
                1 => {
                    // There is a bound, and an end.
                    let opened = self.end.open("echo", "", self.now);
                    self.streams.extend(opened.ok());
                }
                2 => use_stream(&mut self.end, &self.streams, input),
                3 => {
                    if let Some(draft) = self.end.poll_spare(self.now) {
                        self.sent(&draft, input.byte());
                    }
                }
                _ => {
                    let block = BlockNo(input.byte().into());
                    let number = u32::from(input.byte()).to_be_bytes();
                    let reply = [&[4][..], &number, input.long()].concat();
                    // What breaks the rules is refused.
                    let _ = self.end.handle_reply(block, &reply, self.now);
                }
            }
            self.settle(input);
        }
    }

    fn settle(&mut self, input: &mut Input<'_>) {
        self.end.handle_timeout(self.now);
        while let Some(draft) = self.end.poll_transmit(self.now) {
            self.sent(&draft, input.byte());
        }
        while self.end.poll_event().is_some() {}
        while self.end.poll_forget().is_some() {}
        while self.end.poll_arrived().is_some() {}
        while self.end.poll_lost().is_some() {}
        assert!(self.end.streams() <= limits().streams && self.farewells <= 1);
        let over = self.end.closed().is_some();
        assert!(over || self.end.poll_timeout().is_some(), "it looks at the clock again");
    }

    /// A draft leaves, most of the time.
    fn sent(&mut self, draft: &Draft, how: u8) {
        assert!(draft.frames.len() <= max_fragment_data(draft.blocks));
        self.farewells += usize::from(self.end.closed().is_some());
        if how % 8 == 7 {
            return self.end.handle_unsent(draft.number);
        }
        let delay = Duration::from_millis(u64::from(how) * 4);
        let blocks = (self.blocks..).take(draft.blocks).map(|no| (BlockNo(no), delay));
        let blocks: Vec<_> = blocks.collect();
        self.blocks += draft.blocks as u64;
        self.end.handle_sent(draft.number, delay, &blocks, self.now);
    }
}

/// A packet with its number and so many blocks, as an input has it.
fn packet(number: u16, blocks: u8, frames: &[u8]) -> Vec<u8> {
    let length = u16::try_from(frames.len()).expect("a packet's").to_be_bytes();
    [&[3][..], &number.to_be_bytes(), &[blocks], &length, frames].concat()
}

/// A reply by a block.
fn reply(block: u8, number: u8, frames: &[u8]) -> Vec<u8> {
    let length = u16::try_from(frames.len()).expect("a packet's").to_be_bytes();
    [&[5, block, number][..], &length, frames].concat()
}

/// What honest ends say to each other.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let now = Instant::now();
    let mut near = ClientEnd::new(limits(), now);
    let mut far = ProviderEnd::new(limits(), now);
    let id = near.open("echo", "some.where:80", now).expect("the first");
    near.write(id, &[7; 6_000]).expect("it is open");
    near.finish(id);
    let (mut to_provider, mut to_client) = (vec![0], vec![1, 1]);
    let (mut at, mut block) = (now, 0_u8);
    for _ in 0..20 {
        while let Some(draft) = near.poll_transmit(at) {
            let blocks: Vec<_> =
                (0..draft.blocks).map(|no| block + u8::try_from(no).expect("six")).collect();
            let number = u16::try_from(draft.number).expect("few");
            let given = u8::try_from(draft.blocks).expect("six");
            block += given;
            to_provider.extend(packet(number, given, &draft.frames));
            let backs: Vec<_> =
                blocks.iter().map(|no| (BlockNo((*no).into()), Duration::ZERO)).collect();
            near.handle_sent(draft.number, Duration::ZERO, &backs, at);
            far.handle_packet(draft.number, &draft.frames, blocks, at).expect("honest");
        }
        while let Some(event) = far.poll_event() {
            if let Event::Asked { stream, .. } = event {
                far.grant(stream);
                to_provider.push(1);
            }
        }
        if far.is_granted(id) {
            // The end is an error later on.
            let _ = far.read(id, &mut [0; 3_000]);
            let _ = far.write(id, &[9; 1_000]);
            to_provider.extend([2, 0, 0, 2, 0, 1, 4, 0]);
        }
        while let Some((block, plaintext)) = far.poll_transmit(at) {
            let (head, frames) = plaintext.split_at(5);
            to_client.extend(reply(block, head[4], frames));
            near.handle_reply(BlockNo(block.into()), &plaintext, at).expect("honest");
        }
        at += Duration::from_millis(50);
    }
    vec![("to-provider", to_provider), ("to-client", to_client)]
}
