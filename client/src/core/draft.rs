//! A packet that the messenger wants sent.

use mixbed_wire::message::{Forward, MAX_FRAGMENT_DATA, MessageId};
use mixbed_wire::{NodeId, REPLY_BLOCK_SIZE};

use super::{MessageNo, PacketNo};

/// A packet that is to be sealed: what, whom for, with how many reply blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The packet's number.
    pub packet: PacketNo,
    /// The message's number.
    pub number: MessageNo,
    /// The message's id on the wire.
    pub message: MessageId,
    /// The provider that it is for.
    pub provider: NodeId,
    /// What is in it.
    pub content: Content,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Whether it is to be traced.
    pub traced: bool,
}

/// What is in a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A part of the request; it brings one reply block.
    Fragment {
        /// Which part, from 0.
        index: u16,
        /// Of how many.
        count: u16,
        /// The part, at most [`MAX_FRAGMENT_DATA`] bytes.
        data: Vec<u8>,
    },
    /// A question for these parts of the response, one reply block each; or for whatever there is,
    /// with one reply block.
    Poll {
        /// The parts. One may be named more often: then its answer comes as often.
        wanted: Vec<u16>,
    },
    /// Reply blocks for parts of a response that is to come, one each.
    Supply {
        /// The parts.
        parts: Vec<u16>,
    },
}

impl Draft {
    /// How many reply blocks the packet brings.
    #[must_use]
    pub fn blocks(&self) -> usize {
        match &self.content {
            Content::Fragment { .. } => 1,
            Content::Poll { wanted } => wanted.len().max(1),
            Content::Supply { parts } => parts.len(),
        }
    }

    /// The packet's plaintext, with these reply blocks.
    #[must_use]
    pub fn encode(&self, blocks: &[[u8; REPLY_BLOCK_SIZE]]) -> Vec<u8> {
        let message = self.message;
        match &self.content {
            Content::Fragment { index, count, data } => {
                debug_assert!(data.len() <= MAX_FRAGMENT_DATA, "cut to fit");
                Forward::Fragment { message, index: *index, count: *count, blocks, data }.encode()
            }
            Content::Poll { wanted } => {
                let wanted: Vec<_> = wanted.iter().map(|index| index.to_be_bytes()).collect();
                Forward::Poll { message, blocks, wanted: &wanted }.encode()
            }
            Content::Supply { parts } => {
                let parts: Vec<_> = parts.iter().map(|index| index.to_be_bytes()).collect();
                Forward::Supply { message, blocks, parts: &parts }.encode()
            }
        }
    }
}
