//! What a packet brings to a provider.

use std::time::Instant;

use mixbed_wire::message::{Forward, MessageId, SessionId};
use mixbed_wire::{DropReason, PacketFormat, REPLY_BLOCK_SIZE, TraceContext};

use super::{Exchange, Fragment};

/// A packet's plaintext, read. `B` is a reply block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming<'a, B> {
    /// Cover traffic: nothing is to be done.
    Cover,
    /// A part of a request.
    Fragment(Fragment<'a>, Vec<B>),
    /// A question for a response, or for the parts of it that are wanted.
    Poll {
        /// The request that is to be answered.
        message: MessageId,
        /// Which parts of the response.
        wanted: Vec<u16>,
        /// One a part.
        blocks: Vec<B>,
    },
    /// Reply blocks for parts of a response that is to come.
    Supply {
        /// The request.
        message: MessageId,
        /// The parts of the response, one a block.
        parts: Vec<u16>,
        /// The blocks.
        blocks: Vec<B>,
    },
    /// A packet of a session: nothing for the exchange.
    Session {
        /// The session.
        session: SessionId,
        /// The packet's number in it.
        number: u32,
        /// What it says.
        frames: &'a [u8],
        /// Reply blocks.
        blocks: Vec<B>,
    },
}

impl<'a, B> Incoming<'a, B> {
    /// Reads what a packet of the format `P` brought.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if it is nothing that a provider knows.
    pub fn read<P: PacketFormat<ReplyBlock = B>>(plaintext: &'a [u8]) -> Result<Self, DropReason> {
        Ok(match Forward::decode(plaintext)? {
            Forward::Cover => Self::Cover,
            Forward::Fragment { message, index, count, blocks, data } => {
                let fragment = Fragment { message, index, count, data };
                Self::Fragment(fragment, read_blocks::<P>(blocks)?)
            }
            Forward::Poll { message, blocks, wanted } => Self::Poll {
                message,
                wanted: wanted.iter().map(|part| u16::from_be_bytes(*part)).collect(),
                blocks: read_blocks::<P>(blocks)?,
            },
            Forward::Supply { message, blocks, parts } => Self::Supply {
                message,
                parts: parts.iter().map(|part| u16::from_be_bytes(*part)).collect(),
                blocks: read_blocks::<P>(blocks)?,
            },
            Forward::Session { session, number, blocks, frames } => {
                Self::Session { session, number, frames, blocks: read_blocks::<P>(blocks)? }
            }
        })
    }
}

impl<'a, B> Incoming<'a, B> {
    /// The same with these blocks in place of its own.
    pub(crate) fn with_blocks<C>(self, block: impl Fn(B) -> C) -> Incoming<'a, C> {
        let all = |blocks: Vec<B>| blocks.into_iter().map(block).collect();
        match self {
            Self::Cover => Incoming::Cover,
            Self::Fragment(fragment, blocks) => Incoming::Fragment(fragment, all(blocks)),
            Self::Poll { message, wanted, blocks } => {
                Incoming::Poll { message, wanted, blocks: all(blocks) }
            }
            Self::Supply { message, parts, blocks } => {
                Incoming::Supply { message, parts, blocks: all(blocks) }
            }
            Self::Session { session, number, frames, blocks } => {
                Incoming::Session { session, number, frames, blocks: all(blocks) }
            }
        }
    }
}

fn read_blocks<P: PacketFormat>(
    blocks: &[[u8; REPLY_BLOCK_SIZE]],
) -> Result<Vec<P::ReplyBlock>, DropReason> {
    blocks.iter().map(P::read_block).collect()
}

impl<B> Exchange<B> {
    /// Takes what a packet brought.
    ///
    /// # Errors
    /// Those of [`handle_fragment`](Self::handle_fragment) and
    /// [`handle_supply`](Self::handle_supply); [`DropReason::UnknownMessage`] for a
    /// packet of a session.
    pub fn handle(
        &mut self,
        incoming: Incoming<'_, B>,
        trace: Option<TraceContext>,
        now: Instant,
    ) -> Result<(), DropReason> {
        match incoming {
            Incoming::Cover => Ok(()),
            Incoming::Session { .. } => Err(DropReason::UnknownMessage),
            Incoming::Fragment(fragment, blocks) => {
                self.handle_fragment(fragment, blocks, trace, now)
            }
            Incoming::Poll { message, wanted, blocks } => {
                self.handle_poll(message, &wanted, blocks, now);
                Ok(())
            }
            Incoming::Supply { message, parts, blocks } => {
                self.handle_supply(message, &parts, blocks, now)
            }
        }
    }
}
