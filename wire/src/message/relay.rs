//! What the service `relay` of a gateway is asked, and what it answers: to send an answer on by the
//! reply block that a letter brought.
//!
//! ```text
//! reply block 400 | the answer, sealed 1,879            what is asked
//! kind 1   1 sent on, 2 the block was used before, 3 too much to do
//! ```
//!
//! Somebody has to: a client cannot hand a packet to mix 1, as its gateway unwraps whatever it
//! sends. The gateway that does it learns that somebody answers somebody, and neither who nor what.

use crate::letter::ANSWER_SIZE;
use crate::{DropReason, REPLY_BLOCK_SIZE};

/// The service's name.
pub const RELAY_SERVICE: &str = "relay";

/// What stands before the answer in the bytes of a request: the request's header and the block.
pub const RELAY_OVERHEAD: usize = 1 + RELAY_SERVICE.len() + REPLY_BLOCK_SIZE;

/// A request's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayRequest<'a> {
    /// The [reply block](crate::ReplyBlock), which is used up.
    pub block: &'a [u8; REPLY_BLOCK_SIZE],
    /// What is sent by it: as many bytes as each [`SealedAnswer`](crate::letter::SealedAnswer) has.
    pub answer: &'a [u8; ANSWER_SIZE],
}

impl<'a> RelayRequest<'a> {
    /// The payload's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.block.as_slice(), self.answer.as_slice()].concat()
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if it is none.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DropReason> {
        let read = || {
            let (block, rest) = bytes.split_first_chunk()?;
            Some(Self { block, answer: rest.try_into().ok()? })
        };
        read().ok_or(DropReason::UnknownMessage)
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayAnswer {
    /// It is on its way. Whether it arrives nobody but its receiver knows.
    Sent,
    /// The block has been used before, here.
    Used,
    /// The gateway sends on as many as it may; another one may have room, and this one later.
    Busy,
}

impl RelayAnswer {
    /// The answer's bytes.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        vec![match self {
            Self::Sent => 1,
            Self::Used => 2,
            Self::Busy => 3,
        }]
    }

    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        match bytes {
            [1] => Ok(Self::Sent),
            [2] => Ok(Self::Used),
            [3] => Ok(Self::Busy),
            _ => Err(DropReason::UnknownMessage),
        }
    }
}
