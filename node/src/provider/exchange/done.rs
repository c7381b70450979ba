//! Responses that are kept so that they can be asked for again.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use mixbed_wire::message::MessageId;

use super::Bounds;

/// What a response costs besides its own bytes, for bounds.
const OVERHEAD: usize = 128;

/// Responses by their request, oldest first out.
#[derive(Default)]
pub(super) struct Done {
    responses: HashMap<MessageId, Vec<u8>>,
    by_age: VecDeque<(Instant, MessageId)>,
    bytes: usize,
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

    /// A response's bytes.
    pub(super) fn get(&self, message: &MessageId) -> Option<&[u8]> {
        self.responses.get(message).map(Vec::as_slice)
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
        if let Some(replaced) = self.responses.insert(message, body) {
            self.bytes -= replaced.len() + OVERHEAD;
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
            && let Some(body) = self.responses.remove(&message)
        {
            self.bytes -= body.len() + OVERHEAD;
        }
    }
}
