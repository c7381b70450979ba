//! The provider's end.
//!
//! It has no timer for losses: the client, who drew all delays, says what is lost.
#![deny(clippy::disallowed_methods)]

mod incoming;
mod outgoing;

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use mixbed_wire::DropReason;

use crate::{
    Code, End, Event, Limits, Read, Reason, StreamId,
    end_of_streams::streams_do,
    received::Received,
    streams::{Content, Side, Streams},
};

/// How long a closed session answers packets that are still on their way.
const LINGER: Duration = Duration::from_secs(30);

/// How long what does not fill a reply waits for more.
const GATHER: Duration = Duration::from_millis(5);

/// The provider's end of a session; `B` is what a reply is made with.
#[derive(Debug)]
pub struct ProviderEnd<B> {
    limits: Limits,
    streams: Streams,
    /// In the order in which they came, each with the number of the packet that brought it.
    blocks: VecDeque<(u32, B)>,
    stale: u32,
    received: Received,
    /// Replies of which the client did not say yet whether they came.
    sent: BTreeMap<u32, Vec<Content>>,
    next: u32,
    /// Packets that want to be acknowledged, and by when.
    unacknowledged: usize,
    ack: Option<Instant>,
    /// So many replies are to be made at once.
    ping: usize,
    gather: Option<Instant>,
    last_packet: Instant,
    closed_at: Option<Instant>,
    /// So many times the client is still to be told that the session is over.
    farewells: usize,
    over: bool,
}

impl<B> ProviderEnd<B> {
    /// A session that a packet asked for, see [`opens_session`](crate::opens_session); the packet
    /// is to be handed to [`handle_packet`](Self::handle_packet) next.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        let limits = limits.sound();
        Self {
            limits,
            streams: Streams::new(Side::Provider, limits),
            blocks: VecDeque::new(),
            stale: 0,
            received: Received::default(),
            sent: BTreeMap::new(),
            next: 0,
            unacknowledged: 0,
            ack: None,
            ping: 0,
            gather: None,
            last_packet: now,
            closed_at: None,
            farewells: 0,
            over: false,
        }
    }

    /// A packet of this session came.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] for bytes that are no frames, or for what no honest client
    /// does: then the session is closed. [`DropReason::TooManyMessages`] for more than this end may
    /// hold now: the client sends it again.
    pub fn handle_packet(
        &mut self,
        number: u32,
        frames: &[u8],
        blocks: Vec<B>,
        now: Instant,
    ) -> Result<(), DropReason> {
        self.take_packet(number, frames, blocks, now)
    }

    /// Answers [`Event::Asked`]: yes.
    pub fn grant(&mut self, id: StreamId) {
        self.streams.grant(id);
    }

    /// Answers [`Event::Asked`]: no.
    pub fn refuse(&mut self, id: StreamId, reason: Reason) {
        self.streams.reset(id, reason);
    }

    /// The next reply, and what to make it with.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<(B, Vec<u8>)> {
        self.handle_timeout(now);
        self.reply(now)
    }

    /// Whether the end may be forgotten: the session is closed, and so long ago that none of its
    /// packets is still on its way. Until then it answers them. [`End::poll_timeout`] says when.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Reply blocks that are left.
    #[must_use]
    pub fn blocks_held(&self) -> usize {
        self.blocks.len()
    }

    fn end(&mut self, reason: Reason, now: Instant) {
        if self.closed_at.is_none() {
            self.streams.close(reason);
            self.sent.clear();
            self.closed_at = Some(now);
        }
    }
}

impl<B> End for ProviderEnd<B> {
    streams_do!();

    fn close(&mut self, reason: Reason, now: Instant) {
        if self.closed_at.is_none() {
            // Three, because some are lost.
            self.farewells = 3;
        }
        self.end(reason, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some(at) = self.closed_at {
            self.over |= now.saturating_duration_since(at) >= LINGER;
        } else if now.saturating_duration_since(self.last_packet) >= self.limits.idle {
            self.close(Code::IdleTooLong.into(), now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if let Some(at) = self.closed_at {
            return (!self.over).then_some(at + LINGER);
        }
        let soon = [self.ack, self.gather].into_iter().flatten().min();
        let idle = self.last_packet + self.limits.idle;
        Some(soon.filter(|_| self.may_reply()).map_or(idle, |soon| soon.min(idle)))
    }
}
