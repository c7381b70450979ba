//! The provider's rules, without I/O and without a clock: requests are put together, run once,
//! and answered as often as they are asked for.

#![deny(clippy::disallowed_methods)]

mod bounds;
mod done;
mod incoming;
mod supplies;
mod unfinished;

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use mixbed_wire::message::{Answer, Fragments, MAX_REPLY_BLOCKS, MessageId, Request, Response};
use mixbed_wire::{DropReason, TraceContext};

pub use bounds::Bounds;
use done::Done;
pub use incoming::Incoming;
use supplies::Supplies;
use unfinished::{Added, Unfinished};

/// One fragment of a request, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The request.
    pub message: MessageId,
    /// Which part, from 0.
    pub index: u16,
    /// Of how many.
    pub count: u16,
    /// The part.
    pub data: &'a [u8],
}

/// A complete request, for a service. It is to be answered by
/// [`handle_response`](Exchange::handle_response).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The request.
    pub message: MessageId,
    /// The service's name, as the client wrote it.
    pub service: String,
    /// What it is to work on.
    pub payload: Vec<u8>,
    /// The trace of the packet that completed the request.
    pub trace: Option<TraceContext>,
}

/// A request that a service works on.
struct Running<B> {
    /// For the response: what came with the packet that completed the request, first of all.
    blocks: Vec<B>,
    bytes: usize,
}

/// Puts requests together and answers for each packet. `B` is a reply block.
///
/// A message is in one of three places, each with its own [`Bounds`], so that a flood of beginnings
/// that are never finished takes no room from requests that come in one packet: unfinished, running
/// or done.
pub struct Exchange<B> {
    bounds: Bounds,
    unfinished: Unfinished,
    running: HashMap<MessageId, Running<B>>,
    running_bytes: usize,
    done: Done,
    supplies: Supplies<B>,
    replies: VecDeque<(B, Answer)>,
    calls: VecDeque<Call>,
}

impl<B> std::fmt::Debug for Exchange<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("unfinished", &self.unfinished.len())
            .field("running", &self.running.len())
            .field("done", &self.done.len())
            .finish_non_exhaustive()
    }
}

impl<B> Exchange<B> {
    /// An exchange that holds nothing yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            unfinished: Unfinished::default(),
            running: HashMap::new(),
            running_bytes: 0,
            done: Done::default(),
            supplies: Supplies::default(),
            replies: VecDeque::new(),
            calls: VecDeque::new(),
        }
    }

    /// Takes a fragment and the reply blocks that came with it.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if it does not agree with earlier fragments,
    /// [`DropReason::TooManyMessages`] if there is no room for it.
    pub fn handle_fragment(
        &mut self,
        fragment: Fragment<'_>,
        blocks: Vec<B>,
        trace: Option<TraceContext>,
        now: Instant,
    ) -> Result<(), DropReason> {
        self.handle_timeout(now);
        let message = fragment.message;
        if self.done.contains(&message) || self.running.contains_key(&message) {
            self.answer_known(message, &[], blocks);
            return Ok(());
        }
        let body = if fragment.count == 1 {
            self.room_to_run(fragment.data.len())?;
            let mut fragments = Fragments::new(fragment.count)?;
            fragments.insert(fragment.index, fragment.count, fragment.data)?;
            fragments
        } else {
            if let Some(bytes) = self.unfinished.would_complete(&fragment) {
                self.room_to_run(bytes)?;
            }
            match self.unfinished.add(&fragment, &self.bounds, now)? {
                Added::Held(held) => {
                    self.reply_first(blocks, Answer::Ack { message, held });
                    return Ok(());
                }
                Added::Complete(fragments) => fragments,
            }
        };
        self.begin(message, body, blocks, trace, now);
        Ok(())
    }

    /// Takes a question for the response to `message`, or for the parts of it that are `wanted`.
    pub fn handle_poll(
        &mut self,
        message: MessageId,
        wanted: &[u16],
        blocks: Vec<B>,
        now: Instant,
    ) {
        self.handle_timeout(now);
        if self.done.contains(&message) || self.running.contains_key(&message) {
            self.answer_known(message, wanted, blocks);
        } else {
            let held = self.unfinished.held(&message).unwrap_or_default();
            self.reply_first(blocks, Answer::Ack { message, held });
        }
    }

    /// Takes reply blocks for `parts` of the response to `message`, whether it is known already or
    /// not: packets overtake each other. Parts that the response turns out not to have need none.
    ///
    /// # Errors
    /// [`DropReason::TooManyMessages`] if there is no room for them. The client asks for what does
    /// not come.
    pub fn handle_supply(
        &mut self,
        message: MessageId,
        parts: &[u16],
        blocks: Vec<B>,
        now: Instant,
    ) -> Result<(), DropReason> {
        self.handle_timeout(now);
        let supply = parts.iter().copied().zip(blocks);
        if self.done.contains(&message) {
            self.answer_parts(message, supply);
            return Ok(());
        }
        self.supplies.add(message, supply, &self.bounds, now)
    }

    /// A service has answered. An answer to what nobody asked is ignored.
    pub fn handle_response(&mut self, message: MessageId, response: &Response, now: Instant) {
        let Some(running) = self.running.remove(&message) else { return };
        self.running_bytes -= running.bytes;
        self.done.insert(message, response.encode(), &self.bounds, now);
        self.answer_known(message, &[], running.blocks);
        if let Some(supply) = self.supplies.take(&message) {
            self.answer_parts(message, supply.into_iter());
        }
    }

    /// Forgets what is too old.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.unfinished.expire(self.bounds.unfinished_age, now);
        self.done.expire(self.bounds.done_age, now);
        self.supplies.expire(self.bounds.unfinished_age, now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let unfinished = self.unfinished.oldest().map(|since| since + self.bounds.unfinished_age);
        let done = self.done.oldest().map(|since| since + self.bounds.done_age);
        let supplies = self.supplies.oldest().map(|since| since + self.bounds.unfinished_age);
        unfinished.into_iter().chain(done).chain(supplies).min()
    }

    /// An answer to be sent, and the block to send it by.
    pub fn poll_reply(&mut self) -> Option<(B, Answer)> {
        self.replies.pop_front()
    }

    /// A request for a service.
    pub fn poll_call(&mut self) -> Option<Call> {
        self.calls.pop_front()
    }

    /// How many messages are unfinished, running and done.
    #[must_use]
    pub fn held(&self) -> [usize; 3] {
        [self.unfinished.len(), self.running.len(), self.done.len()]
    }

    /// How many reply blocks are kept for parts of responses.
    #[must_use]
    pub fn supplied(&self) -> usize {
        self.supplies.blocks()
    }

    /// How many bytes those take, about.
    #[must_use]
    pub fn bytes(&self) -> [usize; 3] {
        [self.unfinished.bytes(), self.running_bytes, self.done.bytes()]
    }

    fn room_to_run(&self, bytes: usize) -> Result<(), DropReason> {
        let full = self.running.len() >= self.bounds.running
            || self.running_bytes + bytes > self.bounds.running_bytes;
        if full { Err(DropReason::TooManyMessages) } else { Ok(()) }
    }

    /// Hands a complete request to its service; what is none is answered at once.
    fn begin(
        &mut self,
        message: MessageId,
        body: Fragments,
        blocks: Vec<B>,
        trace: Option<TraceContext>,
        now: Instant,
    ) {
        let too_large = body.is_too_large();
        let body = body.join();
        let bytes = body.len();
        self.running_bytes += bytes;
        self.running.insert(message, Running { blocks, bytes });
        if too_large {
            return self.handle_response(message, &Response::TooLarge, now);
        }
        if let Ok(Request { service, payload }) = Request::decode(&body) {
            let (service, payload) = (service.to_owned(), payload.to_vec());
            self.calls.push_back(Call { message, service, payload, trace });
        } else {
            let words = "the message is complete, but it is no request".to_owned();
            self.handle_response(message, &Response::Refused(words), now);
        }
    }

    /// Answers for a complete request: with its response, or by saying that it is not there yet.
    fn answer_known(&mut self, message: MessageId, wanted: &[u16], blocks: Vec<B>) {
        if let Some(running) = self.running.get_mut(&message) {
            let mut blocks = blocks.into_iter();
            if !running.blocks.is_empty()
                && let Some(block) = blocks.next()
            {
                self.replies.push_back((block, Answer::Pending { message }));
            }
            let room = MAX_REPLY_BLOCKS.saturating_sub(running.blocks.len());
            running.blocks.extend(blocks.take(room));
        } else if let Some(kept) = self.done.get_mut(&message) {
            // Blocks that nothing in particular is wanted by go round: more than there are parts
            // are there because some will be lost.
            let count = Response::fragment_count(&kept.body).max(1);
            let round: Vec<_>;
            let parts = if wanted.is_empty() {
                round = (0..count).cycle().take(blocks.len()).collect();
                &round
            } else {
                wanted
            };
            self.answer_parts(message, parts.iter().copied().zip(blocks));
        }
    }

    /// Sends these parts of a response that is there, each by its block.
    fn answer_parts(&mut self, message: MessageId, parts: impl Iterator<Item = (u16, B)>) {
        let Some(kept) = self.done.get_mut(&message) else { return };
        let count = Response::fragment_count(&kept.body);
        for (at, (index, block)) in (0..).zip(parts) {
            if !kept.spends(at) {
                break;
            }
            if let Some(data) = Response::fragment(&kept.body, index) {
                let data = data.to_vec();
                self.replies.push_back((block, Answer::Response { message, index, count, data }));
            }
        }
    }

    fn reply_first(&mut self, blocks: Vec<B>, answer: Answer) {
        if let Some(block) = blocks.into_iter().next() {
            self.replies.push_back((block, answer));
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a starting point in time, from which the tests count"
)]
mod tests;
