//! The client's end.
#![deny(clippy::disallowed_methods)]

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use mixbed_wire::DropReason;

use crate::{BlockNo, Code, End, Event, Limits, OpenError, Read, Reason, StreamId};

/// A packet to be sent to the provider: `Forward::Session` with as many reply blocks and these
/// frames, which fit into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The packet's number.
    pub number: u32,
    /// How many reply blocks to put in.
    pub blocks: usize,
    /// What it says.
    pub frames: Vec<u8>,
}

/// The client's end of a session.
#[derive(Debug)]
pub struct ClientEnd {
    limits: Limits,
    closed: Option<Reason>,
    events: VecDeque<Event>,
}

impl ClientEnd {
    /// A session that nobody knows of yet. It costs nothing until a stream is opened.
    #[must_use]
    pub fn new(limits: Limits, _now: Instant) -> Self {
        Self { limits: limits.sound(), closed: None, events: VecDeque::new() }
    }

    /// Opens a stream to what a service of the provider connects it to. Data may be written at
    /// once: it rides along.
    pub fn open(&mut self, _: &str, _: &str, _: Instant) -> Result<StreamId, OpenError> {
        Err(OpenError::TooMany(self.limits.streams))
    }

    /// The next packet, if there is a reason to send one. Each draft is to be followed by
    /// [`handle_sent`](Self::handle_sent) or [`handle_unsent`](Self::handle_unsent).
    pub fn poll_transmit(&mut self, _now: Instant) -> Option<Draft> {
        None
    }

    /// A draft was sealed and goes out now: it takes `there` to the provider, and a reply by one of
    /// its blocks takes as long as said beside it to come back. These are the sums of the delays
    /// that were drawn for the hops.
    pub fn handle_sent(
        &mut self,
        _number: u32,
        _there: Duration,
        _backs: &[(BlockNo, Duration)],
        _now: Instant,
    ) {
    }

    /// A draft will not be sent: what is in it goes into another.
    pub fn handle_unsent(&mut self, _number: u32) {}

    /// A reply came by one of the blocks.
    ///
    /// # Errors
    /// [`DropReason::UnknownReply`] for a block that is not this session's or was used,
    /// [`DropReason::UnknownMessage`] for bytes that are no reply of a session.
    pub fn handle_reply(&mut self, _: BlockNo, _: &[u8], _: Instant) -> Result<(), DropReason> {
        Err(DropReason::UnknownReply)
    }

    /// Blocks whose replies need not be read any more: used, lost, or too old.
    pub fn poll_forget(&mut self) -> Option<BlockNo> {
        None
    }

    /// Packets that are known to be lost on their way to the provider.
    pub fn poll_lost(&mut self) -> Option<u32> {
        None
    }

    /// Packets that are known to have arrived at the provider.
    pub fn poll_arrived(&mut self) -> Option<u32> {
        None
    }
}

impl End for ClientEnd {
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
