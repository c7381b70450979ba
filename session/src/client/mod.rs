//! The client's end.
//!
//! The client drew every delay, there and back, so it knows when each packet was to arrive and when
//! each reply was made. That replaces most timers: see [`packets`] and [`replies`].
#![deny(clippy::disallowed_methods)]

mod blocks;
mod estimates;
mod incoming;
mod outgoing;
mod packets;
mod replies;
mod stock;
mod timing;

use std::time::{Duration, Instant};

use mixbed_wire::DropReason;

use crate::{
    BlockNo, End, Event, Limits, OpenError, Read, Reason, StreamId,
    end_of_streams::streams_do,
    streams::{Side, Streams},
};

use blocks::Blocks;
use estimates::{Margin, Share};
pub use outgoing::Draft;
use packets::Packets;
use replies::Replies;
use stock::Stock;
pub(crate) use timing::ANSWER_DELAY;
use timing::Timing;

/// The client's end of a session.
#[derive(Debug)]
pub struct ClientEnd {
    limits: Limits,
    streams: Streams,
    packets: Packets,
    blocks: Blocks,
    replies: Replies,
    stock: Stock,
    timing: Timing,
    margin: Margin,
    /// Of the packets and of the replies that are known to be lost or not, so many are not.
    there: Share,
    back: Share,
    /// A reply came: the provider knows the session.
    greeted: bool,
    /// So many packets are to ask for an answer at once, and for so many.
    questions: u32,
    ping: u8,
    /// The provider is to be told that the session ends.
    farewell: Option<Reason>,
}

impl ClientEnd {
    /// A session that nobody knows of yet. It costs nothing until a stream is opened.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        let limits = limits.sound();
        Self {
            limits,
            streams: Streams::new(Side::Client, limits),
            packets: Packets::default(),
            blocks: Blocks::new(limits.block_life),
            replies: Replies::default(),
            stock: Stock::new(limits.blocks, now),
            timing: Timing::new(now),
            margin: Margin::new(),
            there: Share::new(0.9),
            back: Share::new(0.9),
            greeted: false,
            questions: 0,
            ping: 1,
            farewell: None,
        }
    }

    /// Opens a stream to what a service of the provider connects it to. Data may be written at
    /// once: it rides along.
    pub fn open(
        &mut self,
        service: &str,
        target: &str,
        now: Instant,
    ) -> Result<StreamId, OpenError> {
        self.timing.something(now);
        self.timing.open(now);
        self.streams.open(service, target)
    }

    /// The next packet, if there is a reason to send one. Each draft is to be followed by
    /// [`handle_sent`](Self::handle_sent) or [`handle_unsent`](Self::handle_unsent). After the
    /// session was closed there may be one last draft.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Draft> {
        self.handle_timeout(now);
        self.draft(now)
    }

    /// A packet for a moment at which something leaves anyhow, and nothing else has to: it says once
    /// more what may be lost, as far as losses are known. So who cannot write on, or waits for the
    /// end, does not wait for a loss to be noticed. Drafts are answered for like those of
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn poll_spare(&mut self, now: Instant) -> Option<Draft> {
        self.spare(now)
    }

    /// A draft was sealed and goes out now: it takes `there` to the provider, and a reply by one of
    /// its blocks takes as long as said beside it to come back. These are the sums of the delays
    /// that were drawn for the hops.
    pub fn handle_sent(
        &mut self,
        number: u32,
        there: Duration,
        backs: &[(BlockNo, Duration)],
        now: Instant,
    ) {
        if self.streams.closed().is_some() {
            return;
        }
        self.blocks.give(number, backs, now);
        let arrives = now + there;
        let answered = arrives + self.blocks.longest() + self.margin.value() + timing::ANSWER_DELAY;
        if self.packets.sent(number, arrives, answered) {
            self.timing.asked(!backs.is_empty(), now);
        }
    }

    /// A draft will not be sent: what is in it goes into another.
    pub fn handle_unsent(&mut self, number: u32) {
        for content in self.packets.unsent(number) {
            self.streams.lost(content);
        }
    }

    /// A reply came by one of the blocks.
    ///
    /// # Errors
    /// [`DropReason::UnknownReply`] for a block that is not this session's or was used,
    /// [`DropReason::UnknownMessage`] for bytes that are no reply of a session, or for what no
    /// honest provider does: then the session is closed.
    pub fn handle_reply(
        &mut self,
        block: BlockNo,
        plaintext: &[u8],
        now: Instant,
    ) -> Result<(), DropReason> {
        self.take_reply(block, plaintext, now)
    }

    /// Blocks whose replies need not be read any more: lost, or too old.
    pub fn poll_forget(&mut self) -> Option<BlockNo> {
        self.blocks.poll_forget()
    }

    /// Packets that are known to be lost on their way to the provider.
    pub fn poll_lost(&mut self) -> Option<u32> {
        self.packets.lost.pop_front()
    }

    /// Packets that are known to have arrived at the provider; seldom one that was said to be lost.
    pub fn poll_arrived(&mut self) -> Option<u32> {
        self.packets.arrived.pop_front()
    }

    /// How many packets arrived that had been taken for lost. What was in them went out twice.
    #[must_use]
    pub fn spurious(&self) -> u64 {
        self.packets.spurious
    }

    /// How many reply blocks the provider had left, as it said last.
    #[must_use]
    pub fn blocks_held(&self) -> Option<usize> {
        self.stock.held()
    }

    /// The end of everything: nothing more is expected.
    fn end(&mut self, reason: Reason) {
        self.streams.close(reason);
        self.packets.clear();
        self.blocks.clear();
    }
}

impl End for ClientEnd {
    streams_do!();

    fn close(&mut self, reason: Reason, _now: Instant) {
        if self.streams.closed().is_none() && self.packets.next() > 0 {
            self.farewell = Some(reason.clone());
        }
        self.end(reason);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.streams.closed().is_none() {
            self.look_at_the_clock(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.streams.closed().is_none().then(|| self.next_time()).flatten()
    }
}
