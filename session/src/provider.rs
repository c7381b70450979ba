//! The provider's end.
#![deny(clippy::disallowed_methods)]

use std::{collections::VecDeque, time::Instant};

use mixbed_wire::DropReason;

use crate::{Code, End, Event, Limits, Read, Reason, StreamId};

/// Whether the frames of a packet of an unknown session may make one. Of all other packets of
/// unknown sessions, those with reply blocks are answered with [`unknown_session`].
#[must_use]
pub fn opens_session(_frames: &[u8]) -> bool {
    false
}

/// What a provider answers, by one reply block, to a packet of a session that it does not know: the
/// client ends it at once.
#[must_use]
pub fn unknown_session() -> Vec<u8> {
    Vec::new()
}

/// The provider's end of a session; `B` is what a reply is made with.
#[derive(Debug)]
pub struct ProviderEnd<B> {
    closed: Option<Reason>,
    events: VecDeque<Event>,
    blocks: VecDeque<B>,
}

impl<B> ProviderEnd<B> {
    /// A session that a packet asked for, see [`opens_session`]; the packet is to be handed to
    /// [`handle_packet`](Self::handle_packet) next.
    #[must_use]
    pub fn new(_limits: Limits, _now: Instant) -> Self {
        Self { closed: None, events: VecDeque::new(), blocks: VecDeque::new() }
    }

    /// A packet of this session came.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] for bytes that are no frames, or for what no honest client
    /// does; [`DropReason::TooManyMessages`] for more than this end may hold.
    pub fn handle_packet(
        &mut self,
        _number: u32,
        _frames: &[u8],
        blocks: Vec<B>,
        _now: Instant,
    ) -> Result<(), DropReason> {
        self.blocks.extend(blocks);
        Err(DropReason::UnknownMessage)
    }

    /// Answers [`Event::Asked`]: yes.
    pub fn grant(&mut self, _id: StreamId) {}

    /// Answers [`Event::Asked`]: no.
    pub fn refuse(&mut self, _id: StreamId, _reason: Reason) {}

    /// The next reply, and what to make it with.
    pub fn poll_transmit(&mut self, _now: Instant) -> Option<(B, Vec<u8>)> {
        None
    }

    /// Whether the end may be forgotten: the session is closed, and so long ago that none of its
    /// packets is still on its way. Until then it answers them. [`End::poll_timeout`] says when.
    #[must_use]
    pub fn is_over(&self) -> bool {
        false
    }
}

impl<B> End for ProviderEnd<B> {
    fn write(&mut self, _: StreamId, _: &[u8]) -> Result<usize, Reason> {
        Err(Code::Closed.into())
    }
    fn finish(&mut self, _: StreamId) {}
    fn reset(&mut self, _: StreamId, _: Reason) {}
    fn release(&mut self, _: StreamId) {}
    fn read(&mut self, _: StreamId, _: &mut [u8]) -> Result<Read, Reason> {
        Err(Code::Closed.into())
    }
    fn is_granted(&self, _: StreamId) -> bool {
        false
    }
    fn close(&mut self, reason: Reason, _: Instant) {
        self.closed.get_or_insert(reason);
    }
    fn closed(&self) -> Option<&Reason> {
        self.closed.as_ref()
    }
    fn streams(&self) -> usize {
        0
    }
    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
    fn handle_timeout(&mut self, _: Instant) {}
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
