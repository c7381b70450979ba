//! Replies.

use std::time::Instant;

use crate::{
    Code, Reason,
    frame::Frame,
    reply::{MAX_REPLY, MAX_REPLY_FRAMES, begin},
};

use super::{GATHER, ProviderEnd};

/// The most bytes that a `wants` frame has.
const WANTS: usize = 1 + 8 + 8;

impl<B> ProviderEnd<B> {
    pub(super) fn reply(&mut self, now: Instant) -> Option<(B, Vec<u8>)> {
        if self.closed_at.is_some() {
            return self.farewell();
        }
        if !self.may_reply() {
            return None;
        }
        let gathers = self.gathers(now);
        if self.ping == 0 && gathers && self.ack.is_none_or(|at| at > now) {
            return None;
        }
        let (_, block) = self.blocks.pop_front()?;
        let number = self.next;
        self.next += 1;
        let mut out = begin(number);
        let (floor, bitmap) = (self.received.floor(), self.received.bitmap());
        Frame::Ack { floor, settled: floor, bitmap: &bitmap }.encode(&mut out);
        let mut contents = Vec::new();
        self.streams.fill(&mut out, MAX_REPLY - WANTS, &mut contents);
        let (bytes, blocks) = (self.streams.waiting(), self.blocks.len() as u64);
        Frame::Wants { bytes, blocks }.encode(&mut out);
        self.sent.insert(number, contents);
        self.ping = self.ping.saturating_sub(1);
        self.unacknowledged = 0;
        self.ack = None;
        self.gather = None;
        Some((block, out))
    }

    pub(super) fn may_reply(&self) -> bool {
        let oldest = self.sent.first_key_value().map_or(self.next, |(number, _)| *number);
        let under_way = (self.next - oldest) as usize;
        !self.blocks.is_empty() && under_way < self.limits.in_flight && self.next < u32::MAX - 1
    }

    /// Whether what there is to send should wait for more.
    fn gathers(&mut self, now: Instant) -> bool {
        if !self.streams.is_due() {
            self.gather = None;
            return true;
        }
        // About as much as a reply takes beside its acknowledgement.
        if self.streams.backlog() >= MAX_REPLY_FRAMES - 64 {
            return false;
        }
        *self.gather.get_or_insert(now + GATHER) > now
    }

    fn farewell(&mut self) -> Option<(B, Vec<u8>)> {
        self.farewells = self.farewells.checked_sub(1)?;
        let (_, block) = self.blocks.pop_front()?;
        let stopped = Reason::from(Code::Stopped);
        let mut out = begin(u32::MAX);
        Frame::close(self.streams.closed().unwrap_or(&stopped)).encode(&mut out);
        Some((block, out))
    }
}
