//! Replies.

use std::time::Instant;

use mixbed_wire::DropReason;

use crate::{BlockNo, Code, Reason, frame::Frame, reply, streams::Refused};

use super::{
    ClientEnd,
    packets::{News, Taken},
};

impl ClientEnd {
    pub(super) fn take_reply(
        &mut self,
        block: BlockNo,
        plaintext: &[u8],
        now: Instant,
    ) -> Result<(), DropReason> {
        // What is known now is not to be changed by a timer that is late.
        let Some((back, _)) = self.blocks.take(block) else {
            return Err(DropReason::UnknownReply);
        };
        let (number, frames) = reply::read(plaintext)?;
        // A session that is not known has no numbers.
        if let Some(Frame::Close { code, words }) =
            frames.iter().find(|frame| matches!(frame, Frame::Close { .. }))
        {
            self.end(Reason::new(*code, *words));
            return Ok(());
        }
        let made = now.checked_sub(back).unwrap_or(now);
        let longest = back.max(self.blocks.longest()) + self.margin.value();
        let Some(latest) = self.replies.handle(number, made, longest) else { return Ok(()) };
        self.greeted = true;
        self.back.note(true);
        let mut carries = false;
        for frame in &frames {
            match frame {
                Frame::Ack { floor, bitmap, .. } => {
                    self.take_ack((*floor, bitmap), made, now);
                }
                Frame::Wants { bytes, blocks } if latest => {
                    self.stock.report(*bytes, *blocks, now);
                }
                Frame::Wants { .. } => {}
                other => match self.streams.handle(other) {
                    Ok(true) => carries = true,
                    Ok(false) => return Err(self.violated("a frame that no provider sends")),
                    Err(Refused::Violation(violation)) => return Err(self.violated(violation.0)),
                    Err(refused @ Refused::TooMany) => return Err(refused.into()),
                },
            }
        }
        self.blocks.trim(self.stock.held().unwrap_or(0) + self.replies.open());
        self.timing.answered(now, carries, self.packets.is_asking());
        Ok(())
    }

    fn take_ack(&mut self, ack: (u32, &[u8]), made: Instant, now: Instant) {
        let news = self.packets.handle_ack(ack, made, self.margin.value(), now);
        // The acknowledgement was made for the packet that came last.
        let mut last = None;
        for news in news {
            match news {
                News::Arrived { number, packet, was, arrives } => {
                    self.there.note(true);
                    self.blocks.arrived(number);
                    self.replies.known(packet.settled);
                    packet.contents.into_iter().for_each(|content| self.streams.arrived(content));
                    match was {
                        Taken::UnderWay => last = last.max(Some(arrives)),
                        // Its answer was lost, which says nothing of its time.
                        Taken::Doubtful => {}
                        Taken::Lost => {
                            self.margin.regret(made.saturating_duration_since(arrives));
                        }
                    }
                }
                News::Lost { number, contents } => {
                    self.there.note(false);
                    self.blocks.lost(number, now);
                    for content in contents {
                        self.streams.lost(content);
                    }
                }
            }
        }
        if let Some(arrives) = last {
            self.margin.sample(made.saturating_duration_since(arrives));
        }
    }

    /// The provider did what no honest one does.
    fn violated(&mut self, what: &'static str) -> DropReason {
        let reason = Reason::new(Code::Failed, what);
        self.farewell = Some(reason.clone());
        self.end(reason);
        DropReason::UnknownMessage
    }
}
