//! Packets.

use std::time::Instant;

use mixbed_wire::message::{MAX_REPLY_BLOCKS, max_fragment_data};

use crate::frame::{Frame, VERSION};

use super::ClientEnd;

/// Where a larger share of the packets arrives nothing is said twice at a venture.
const RELIABLE: f64 = 0.99;

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

impl ClientEnd {
    pub(super) fn draft(&mut self, now: Instant) -> Option<Draft> {
        if self.streams.closed().is_some() {
            return self.last_draft();
        }
        let floor = self.packets.floor(now);
        if !self.may_send() {
            return None;
        }
        let backlog = if self.streams.is_due() { self.streams.backlog().max(1) } else { 0 };
        let lacks = self.lacks(now);
        let gathers = self.timing.gathers(backlog > 0, now);
        let due = self.questions > 0
            || self.timing.is_ack_due(now)
            || lacks >= MAX_REPLY_BLOCKS
            || (backlog > 0 && (!gathers || backlog >= max_fragment_data(0)))
            || (lacks > 0 && self.stock.held() == Some(0) && self.blocks.under_way() == 0);
        if !due {
            return None;
        }

        let mut frames = self.beginning(floor);
        if let Some((floor, settled, bitmap)) = self.replies.told() {
            Frame::Ack { floor, settled, bitmap: &bitmap }.encode(&mut frames);
        }
        let questions = self.questions > 0;
        if questions {
            Frame::Ping { replies: self.ping }.encode(&mut frames);
        }
        let asks = questions || self.timing.loss_news;
        let least = if questions { usize::from(self.ping) } else { 0 };
        let wanted = lacks.max(least).min(MAX_REPLY_BLOCKS);
        let blocks = Self::blocks_beside(frames.len() + backlog, wanted);
        let mut contents = Vec::new();
        self.streams.fill(&mut frames, max_fragment_data(blocks), &mut contents);
        self.timing.told();
        self.questions = self.questions.saturating_sub(1);
        let asks = asks || !contents.is_empty();
        if !contents.is_empty() {
            self.timing.something(now);
        }
        let number = self.packets.draft(contents, self.replies.settled(), asks);
        Some(Draft { number, blocks, frames })
    }

    pub(super) fn spare(&mut self, now: Instant) -> Option<Draft> {
        let reliable = self.there.value() >= RELIABLE;
        if self.streams.closed().is_some() || reliable || !self.may_send() {
            return None;
        }
        let Some(mut contents) = self.packets.repeat(|contents| self.streams.far(contents)) else {
            return self.spare_question(now);
        };
        let floor = self.packets.floor(now);
        let mut frames = self.beginning(floor);
        self.streams.say_again(&mut frames, max_fragment_data(0), &mut contents);
        if contents.is_empty() {
            return None;
        }
        // The blocks of the first one may be lost as well.
        let blocks = usize::from(frames.len() <= max_fragment_data(1));
        let number = self.packets.draft_copy(contents);
        Some(Draft { number, blocks, frames })
    }

    /// All that can be said was said: what has arrived?
    fn spare_question(&mut self, now: Instant) -> Option<Draft> {
        let waits = self.packets.is_asking() || self.streams.is_held();
        if !waits || !self.timing.may_ask_more(now) {
            return None;
        }
        let floor = self.packets.floor(now);
        let mut frames = self.beginning(floor);
        Frame::Ping { replies: 1 }.encode(&mut frames);
        let number = self.packets.draft(Vec::new(), 0, false);
        Some(Draft { number, blocks: 1, frames })
    }

    fn may_send(&self) -> bool {
        self.packets.span() < self.limits.in_flight && self.packets.next() != u32::MAX
    }

    /// What each packet begins with.
    fn beginning(&self, floor: u32) -> Vec<u8> {
        let mut frames = Vec::with_capacity(max_fragment_data(0));
        if !self.greeted {
            Frame::Hello { version: VERSION }.encode(&mut frames);
        }
        Frame::Floors { settled: floor, stale: self.blocks.stale() }.encode(&mut frames);
        frames
    }

    /// How many blocks the provider lacks.
    fn lacks(&self, now: Instant) -> usize {
        if self.streams.count() == 0 && !self.packets.is_asking() {
            return 0;
        }
        let quiet = self.timing.is_quiet(now);
        let given = (self.blocks.there(), self.blocks.under_way());
        self.stock.lacks(quiet, self.packets.span(), given, (self.there, self.back), now)
    }

    /// How many of the wanted blocks go into a packet beside so many bytes: all that leave room
    /// for these; if more than one packet is needed anyhow, half a packet of them.
    fn blocks_beside(bytes: usize, wanted: usize) -> usize {
        let fit = (0..=wanted).rev().find(|blocks| max_fragment_data(*blocks) >= bytes);
        match fit {
            Some(fit) if fit > 0 || wanted == 0 => fit,
            _ => wanted.min(MAX_REPLY_BLOCKS / 2),
        }
    }

    /// Tells the provider that the session is over.
    fn last_draft(&mut self) -> Option<Draft> {
        let reason = self.farewell.take()?;
        let mut frames = Vec::new();
        if !self.greeted {
            // If it is the first to come, it is better than the next one, which would open streams.
            Frame::Hello { version: VERSION }.encode(&mut frames);
        }
        Frame::close(&reason).encode(&mut frames);
        Some(Draft { number: self.packets.next(), blocks: 0, frames })
    }
}
