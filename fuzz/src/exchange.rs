//! A provider's exchange under any sequence of packets, answers and pauses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mixbed_node::provider::exchange::{Bounds, Exchange, Fragment};
use mixbed_wire::message::{Answer, Forward, MessageId, Request, Response};
use mixbed_wire::{MAX_PLAINTEXT, REPLY_BLOCK_SIZE};

use crate::Seed;
use crate::input::Input;

/// Small, so that a short input reaches them; responses are forgotten by age only, which lets
/// [`Model::call`] tell when a service may run again.
const BOUNDS: Bounds = Bounds {
    unfinished: 4,
    unfinished_bytes: 20_000,
    unfinished_age: Duration::from_secs(60),
    unfinished_grace: Duration::from_secs(10),
    running: 3,
    running_bytes: 30_000,
    done: 10_000,
    done_bytes: 128 << 20,
    done_age: Duration::from_secs(300),
    supply: 8,
    supplies: 20,
};

/// What comes is read as a provider reads it. Nothing held is ever over the bounds, no block is
/// used twice, each request runs once while it is remembered, and answers fit into packets.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut model = Model::new();
    while !input.is_empty() {
        match input.byte() % 8 {
            0 => model.now += Duration::from_millis(u64::from(input.u16()) * 4),
            1 => model.respond(usize::from(input.byte()), usize::from(input.u16())),
            2 => {
                let plaintext = input.long();
                model.packet(&plaintext[..plaintext.len().min(MAX_PLAINTEXT)]);
            }
            3 => {
                let message = id(input.byte());
                let blocks = vec![[0; REPLY_BLOCK_SIZE]; usize::from(input.byte() % 7)];
                let wanted: Vec<_> = blocks.iter().map(|_| [0, input.byte()]).collect();
                let wanted = if input.byte().is_multiple_of(2) { &wanted[..] } else { &[] };
                model.packet(&Forward::Poll { message, blocks: &blocks, wanted }.encode());
            }
            4 => {
                let message = id(input.byte());
                let blocks = vec![[0; REPLY_BLOCK_SIZE]; usize::from(input.byte() % 7)];
                let parts: Vec<_> = blocks.iter().map(|_| [0, input.byte()]).collect();
                let parts = &parts[..];
                model.packet(&Forward::Supply { message, blocks: &blocks, parts }.encode());
            }
            _ => {
                let message = id(input.byte());
                let count = u16::from(input.byte() % 8);
                let index = u16::from(input.byte() % 8);
                let blocks = vec![[0; REPLY_BLOCK_SIZE]; usize::from(input.byte() % 3)];
                let data = part(index, input.byte());
                let data = &data[..];
                model.packet(
                    &Forward::Fragment { message, index, count, blocks: &blocks, data }.encode(),
                );
            }
        }
        model.settle();
    }
}

fn id(byte: u8) -> MessageId {
    MessageId::from_bytes([byte % 16; 16])
}

/// The first part begins like a request, most of the time.
fn part(index: u16, byte: u8) -> Vec<u8> {
    let length = usize::from(byte) * 8 + 1;
    let mut data = vec![byte; length];
    if index == 0 && byte % 8 != 7 {
        let request = Request { service: "echo", payload: &data };
        data = request.encode().expect("a good request");
    }
    data
}

struct Model {
    now: Instant,
    exchange: Exchange<u32>,
    blocks_given: u32,
    blocks_used: BTreeSet<u32>,
    running: Vec<MessageId>,
    done: BTreeMap<MessageId, Instant>,
}

impl Model {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            exchange: Exchange::new(BOUNDS),
            blocks_given: 0,
            blocks_used: BTreeSet::new(),
            running: Vec::new(),
            done: BTreeMap::new(),
        }
    }

    fn packet(&mut self, plaintext: &[u8]) {
        let Ok(forward) = Forward::decode(plaintext) else { return };
        let mut names = |blocks: &[[u8; REPLY_BLOCK_SIZE]]| -> Vec<u32> {
            let first = self.blocks_given;
            self.blocks_given += u32::try_from(blocks.len()).expect("at most six");
            (first..self.blocks_given).collect()
        };
        match forward {
            // Sessions have a core of their own.
            Forward::Cover | Forward::Session { .. } => {}
            Forward::Fragment { message, index, count, blocks, data } => {
                let fragment = Fragment { message, index, count, data };
                let before = self.exchange.held();
                let taken = self.exchange.handle_fragment(fragment, names(blocks), None, self.now);
                if taken.is_err() {
                    let after = self.exchange.held();
                    assert!(after.iter().zip(before).all(|(after, before)| *after <= before));
                }
            }
            Forward::Poll { message, blocks, wanted } => {
                let wanted: Vec<_> = wanted.iter().map(|part| u16::from_be_bytes(*part)).collect();
                self.exchange.handle_poll(message, &wanted, names(blocks), self.now);
            }
            Forward::Supply { message, blocks, parts } => {
                let parts: Vec<_> = parts.iter().map(|part| u16::from_be_bytes(*part)).collect();
                // There may be no room: then it changes nothing.
                let _ = self.exchange.handle_supply(message, &parts, names(blocks), self.now);
            }
        }
    }

    /// One of the services that run answers.
    fn respond(&mut self, which: usize, length: usize) {
        if self.running.is_empty() {
            // An answer to what nobody asked changes nothing.
            let before = self.exchange.held();
            self.exchange.handle_response(id(0), &Response::TooLarge, self.now);
            return assert_eq!(self.exchange.held(), before);
        }
        let message = self.running.remove(which % self.running.len());
        self.exchange.handle_response(message, &Response::Ok(vec![1; length]), self.now);
        self.done.insert(message, self.now);
    }

    fn settle(&mut self) {
        while let Some(call) = self.exchange.poll_call() {
            self.call(call.message);
        }
        while let Some((block, answer)) = self.exchange.poll_reply() {
            assert!(block < self.blocks_given && self.blocks_used.insert(block), "used twice");
            let plaintext = answer.encode();
            assert!(plaintext.len() <= MAX_PLAINTEXT);
            assert_eq!(Answer::decode(&plaintext), Ok(answer));
        }
        assert!(self.exchange.supplied() <= BOUNDS.supplies);
        let [unfinished, running, done] = self.exchange.held();
        assert!(unfinished <= BOUNDS.unfinished && running <= BOUNDS.running);
        assert!(done <= BOUNDS.done);
        assert_eq!(running, self.running.len(), "what runs has been called");
        let [unfinished, running, done] = self.exchange.bytes();
        assert!(unfinished <= BOUNDS.unfinished_bytes && running <= BOUNDS.running_bytes);
        assert!(done <= BOUNDS.done_bytes);
        if self.exchange.held() == [0; 3] {
            assert_eq!(self.exchange.bytes(), [0; 3], "bytes of nothing");
        }
        if let Some(due) = self.exchange.poll_timeout() {
            assert!(due <= self.now + BOUNDS.done_age);
        }
    }

    fn call(&mut self, message: MessageId) {
        assert!(!self.running.contains(&message), "it runs already");
        if let Some(at) = self.done.get(&message) {
            assert!(self.now - *at >= BOUNDS.done_age, "its answer is known");
        }
        self.running.push(message);
    }
}

/// A request of one packet and one of several, with their answers, polls, pauses and garbage.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let fragment = |message, index, count| [4, message, count, index, 1, 3];
    let whole = [fragment(1, 0, 1).as_slice(), &[1, 0, 0x20, 0], &[3, 1, 2, 0, 1, 0]].concat();
    let parts: Vec<u8> =
        [fragment(2, 1, 3), fragment(2, 0, 3), fragment(2, 0, 3), fragment(2, 2, 3)].concat();
    let flood: Vec<u8> = (0..16).flat_map(|message| fragment(message, 1, 4)).collect();
    let late = [whole.as_slice(), &[0, 0xff, 0xff, 0, 0xff, 0xff], &fragment(1, 0, 1)].concat();
    let garbage = [2, 0, 4, 1, 2, 3, 4];
    vec![
        ("whole", whole),
        ("parts", [parts.as_slice(), &[1, 0, 1, 0]].concat()),
        ("flood", flood),
        ("late", late),
        ("garbage", garbage.to_vec()),
    ]
}
