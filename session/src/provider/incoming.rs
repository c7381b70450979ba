//! Packets.

use std::time::Instant;

use mixbed_wire::DropReason;

use crate::{
    Code, End, Reason,
    client::ANSWER_DELAY,
    frame::Frame,
    received::{Received, says},
    streams::Refused,
};

use super::ProviderEnd;

/// Once so many packets want to be acknowledged, it is not waited for more.
const ACK_PACKETS: usize = 8;

/// A client does not get more than so many replies for one question.
const MAX_PING: u8 = 6;

impl<B> ProviderEnd<B> {
    pub(super) fn take_packet(
        &mut self,
        number: u32,
        frames: &[u8],
        blocks: Vec<B>,
        now: Instant,
    ) -> Result<(), DropReason> {
        let frames = Frame::decode(frames)?;
        if self.closed_at.is_some() {
            // It does not know yet, or would not have sent blocks.
            if let Some(block) = blocks.into_iter().next() {
                self.blocks.clear();
                self.blocks.push_back((number, block));
                self.farewells = 1;
            }
            return Ok(());
        }
        self.last_packet = now;
        for frame in &frames {
            if let Frame::Floors { settled, stale } = frame {
                self.raise(*settled, *stale);
            }
        }
        if number.saturating_sub(self.received.floor()) >= Received::SPAN {
            return Err(self.violated("a packet far ahead of all others", now));
        }
        if number >= self.stale {
            self.blocks.extend(blocks.into_iter().map(|block| (number, block)));
            while self.blocks.len() > self.limits.blocks {
                self.blocks.pop_front();
            }
        }
        let mut asks = false;
        for frame in &frames {
            match *frame {
                Frame::Hello { .. } | Frame::Floors { .. } => {}
                Frame::Ack { floor, settled, bitmap } => self.take_ack(floor, settled, bitmap),
                Frame::Ping { replies } => {
                    self.ping = self.ping.max(usize::from(replies.min(MAX_PING)));
                    asks = true;
                }
                Frame::Close { code, words } => {
                    self.end(Reason::new(code, words), now);
                    return Ok(());
                }
                _ => match self.streams.handle(frame) {
                    Ok(true) => asks = true,
                    Ok(false) => return Err(self.violated("a frame that no client sends", now)),
                    Err(Refused::Violation(violation)) => {
                        return Err(self.violated(violation.0, now));
                    }
                    // Not acknowledged: it comes again.
                    Err(refused @ Refused::TooMany) => return Err(refused.into()),
                },
            }
        }
        self.received.mark(number);
        if asks {
            self.unacknowledged += 1;
            let at = if self.unacknowledged >= ACK_PACKETS { now } else { now + ANSWER_DELAY };
            self.ack = Some(self.ack.map_or(at, |before| before.min(at)));
        }
        Ok(())
    }

    /// What the client is done with.
    fn raise(&mut self, settled: u32, stale: u32) {
        self.received.raise(settled);
        if stale > self.stale {
            self.stale = stale;
            self.blocks.retain(|(number, _)| *number >= stale);
        }
    }

    fn take_ack(&mut self, floor: u32, settled: u32, bitmap: &[u8]) {
        // What is below the floor was said before, and is not in `sent` any more.
        let known: Vec<_> = self
            .sent
            .keys()
            .copied()
            .filter(|number| *number < settled || says(floor, bitmap, *number))
            .collect();
        for number in known {
            for content in self.sent.remove(&number).unwrap_or_default() {
                if says(floor, bitmap, number) {
                    self.streams.arrived(content);
                } else {
                    self.streams.lost(content);
                }
            }
        }
    }

    /// The client did what no honest one does.
    fn violated(&mut self, what: &'static str, now: Instant) -> DropReason {
        self.close(Reason::new(Code::Failed, what), now);
        DropReason::UnknownMessage
    }
}
