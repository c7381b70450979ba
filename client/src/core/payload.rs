//! Packets that carry something, whatever it belongs to.

use mixbed_wire::message::{Forward, SessionId};
use mixbed_wire::{NodeId, REPLY_BLOCK_SIZE};

use super::Draft;

/// What a packet can be sealed from.
pub trait Sealable {
    /// The provider that it is for.
    fn provider(&self) -> NodeId;

    /// How many reply blocks the packet brings.
    fn blocks(&self) -> usize;

    /// The packet's plaintext, with these reply blocks.
    fn encode(&self, blocks: &[[u8; REPLY_BLOCK_SIZE]]) -> Vec<u8>;
}

/// Numbers a session within one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionNo(pub(super) u64);

/// A packet of a session that is to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDraft {
    /// The session's number.
    pub session: SessionNo,
    /// The session's id on the wire.
    pub id: SessionId,
    /// The provider that it is with.
    pub provider: NodeId,
    /// The packet's number in it.
    pub number: u32,
    /// How many reply blocks it brings.
    pub blocks: usize,
    /// What it says.
    pub frames: Vec<u8>,
}

/// A packet that is to be sealed: of a message or of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Of a message.
    Message(Draft),
    /// Of a session.
    Session(SessionDraft),
}

impl Payload {
    fn content(&self) -> &dyn Sealable {
        match self {
            Self::Message(draft) => draft,
            Self::Session(draft) => draft,
        }
    }
}

impl Sealable for Payload {
    fn provider(&self) -> NodeId {
        self.content().provider()
    }

    fn blocks(&self) -> usize {
        self.content().blocks()
    }

    fn encode(&self, blocks: &[[u8; REPLY_BLOCK_SIZE]]) -> Vec<u8> {
        self.content().encode(blocks)
    }
}

impl Sealable for Draft {
    fn provider(&self) -> NodeId {
        self.provider
    }

    fn blocks(&self) -> usize {
        Self::blocks(self)
    }

    fn encode(&self, blocks: &[[u8; REPLY_BLOCK_SIZE]]) -> Vec<u8> {
        Self::encode(self, blocks)
    }
}

impl Sealable for SessionDraft {
    fn provider(&self) -> NodeId {
        self.provider
    }

    fn blocks(&self) -> usize {
        self.blocks
    }

    fn encode(&self, blocks: &[[u8; REPLY_BLOCK_SIZE]]) -> Vec<u8> {
        let Self { id, number, frames, .. } = self;
        Forward::Session { session: *id, number: *number, blocks, frames }.encode()
    }
}
