//! The service `relay`: answers to letters without a name are sent on by the reply blocks that those
//! brought.
//!
//! Whoever asks is unknown, and so is where it goes. Each block is used once and the rate is
//! bounded; one request makes one packet more than any other request does.

mod desk;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use mixbed_wire::ReplyBlock;
use mixbed_wire::message::{RELAY_SERVICE, RelayAnswer, RelayRequest, Response};

use crate::provider::{Answering, Question, Reply, ReplySink, Service};

use desk::{Desk, Leave};

/// Sends answers on.
pub(crate) struct Relay {
    desk: Mutex<Desk>,
    replies: Arc<dyn ReplySink>,
}

impl Relay {
    pub(crate) fn new(replies: Arc<dyn ReplySink>) -> Self {
        Self { desk: Mutex::new(Desk::new(Instant::now())), replies }
    }

    fn answer(&self, payload: &[u8]) -> Reply {
        let refused = |words: &str| Reply {
            response: Response::Refused(words.to_owned()),
            outcome: "refused",
        };
        let Ok(request) = RelayRequest::decode(payload) else {
            return refused("this is no answer with a reply block");
        };
        let Ok(block) = ReplyBlock::from_bytes(request.block) else {
            return refused("this is no reply block");
        };
        let leave = {
            let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
            desk.handle_block(request.block, Instant::now())
        };
        let (answer, outcome) = match leave {
            Leave::Used => (RelayAnswer::Used, "used"),
            Leave::Busy => (RelayAnswer::Busy, "busy"),
            Leave::Granted => match block.reply(request.answer) {
                Ok(reply) => {
                    self.replies.send(reply, Instant::now());
                    (RelayAnswer::Sent, "sent")
                }
                Err(error) => return refused(&error.to_string()),
            },
        };
        Reply { response: Response::Ok(answer.encode()), outcome }
    }
}

impl Service for Relay {
    fn name(&self) -> &'static str {
        RELAY_SERVICE
    }

    fn handle(&self, question: Question) -> Answering<'_> {
        Box::pin(async move { self.answer(&question.payload) })
    }
}

#[cfg(test)]
mod tests;
