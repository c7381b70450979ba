//! Responses that are kept so that they can be asked for again.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use mixbed_wire::message::{MessageId, Response};

use super::Bounds;

/// What a response costs besides its own bytes, for bounds.
const OVERHEAD: usize = 128;

/// Responses by their request, oldest first out.
#[derive(Default)]
pub(super) struct Done {
    responses: HashMap<MessageId, Kept>,
    by_age: VecDeque<(Instant, MessageId)>,
    bytes: usize,
}

/// A response, and how much may still be asked of it.
pub(super) struct Kept {
    pub(super) body: Vec<u8>,
    /// How many parts may still be sent beyond one a packet.
    budget: u32,
}

impl Kept {
    /// Each part may go out four times by blocks that came along with others: as often as half of
    /// all packets lost, both ways, makes it. Beyond that one packet is answered by one.
    fn new(body: Vec<u8>) -> Self {
        let budget = 4 * u32::from(Response::fragment_count(&body)) + 16;
        Self { body, budget }
    }

    /// Whether a packet's block number `at` is to be used. A packet that brings six makes six, each
    /// of which costs this end as much as an unwrap: so nobody gets them without end.
    pub(super) fn spends(&mut self, at: u16) -> bool {
        if at > 0 && self.budget == 0 {
            return false;
        }
        self.budget = self.budget.saturating_sub(1);
        true
    }
}

impl Done {
    pub(super) fn len(&self) -> usize {
        self.responses.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn contains(&self, message: &MessageId) -> bool {
        self.responses.contains_key(message)
    }

    /// A response.
    pub(super) fn get_mut(&mut self, message: &MessageId) -> Option<&mut Kept> {
        self.responses.get_mut(message)
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        self.by_age.front().map(|(since, _)| *since)
    }

    /// Keeps a response; the newest is kept even if it alone is over the bounds, so that it can
    /// be sent.
    pub(super) fn insert(
        &mut self,
        message: MessageId,
        body: Vec<u8>,
        bounds: &Bounds,
        now: Instant,
    ) {
        let bytes = body.len() + OVERHEAD;
        while !self.by_age.is_empty()
            && (self.responses.len() >= bounds.done || self.bytes + bytes > bounds.done_bytes)
        {
            self.forget_oldest();
        }
        self.bytes += bytes;
        self.by_age.push_back((now, message));
        if let Some(replaced) = self.responses.insert(message, Kept::new(body)) {
            self.bytes -= replaced.body.len() + OVERHEAD;
        }
    }

    /// Forgets responses that are `age` old.
    pub(super) fn expire(&mut self, age: Duration, now: Instant) {
        while let Some((since, _)) = self.by_age.front()
            && now.saturating_duration_since(*since) >= age
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, message)) = self.by_age.pop_front()
            && let Some(forgotten) = self.responses.remove(&message)
        {
            self.bytes -= forgotten.body.len() + OVERHEAD;
        }
    }
}
