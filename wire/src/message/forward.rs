//! What a client's packet says to a provider.
//!
//! ```text
//! kind 1 | message id 16 | index 2 | count 2 | blocks 1 | blocks × 400 reply blocks | data
//! kind 1 | session id 16 | number 4          | blocks 1 | blocks × 400 reply blocks | frames
//! ```
//!
//! The data of polls and supplies are numbers of parts, 2 bytes each. Numbers are big-endian. A cover packet is its kind and anything after it.

use crate::{DropReason, MAX_PLAINTEXT, REPLY_BLOCK_SIZE};

use super::{MAX_FRAGMENTS, MAX_REPLY_BLOCKS, MessageId, SessionId};

const COVER: u8 = 0;
const FRAGMENT: u8 = 1;
const POLL: u8 = 2;
const SESSION: u8 = 3;
const SUPPLY: u8 = 4;

/// Bytes before the reply blocks.
const HEADER: usize = 1 + MessageId::LENGTH + 2 + 2 + 1;

/// The most data that a fragment carries beside one reply block, in bytes.
pub const MAX_FRAGMENT_DATA: usize = max_fragment_data(1);

/// The most data that a packet carries beside a number of reply blocks, in bytes.
#[must_use]
pub const fn max_fragment_data(blocks: usize) -> usize {
    MAX_PLAINTEXT.saturating_sub(HEADER + blocks * REPLY_BLOCK_SIZE)
}

/// What a client's packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forward<'a> {
    /// Cover traffic: to be ignored.
    Cover,
    /// A part of a request.
    Fragment {
        /// The request.
        message: MessageId,
        /// Which part, from 0.
        index: u16,
        /// Of how many, 1 to [`MAX_FRAGMENTS`].
        count: u16,
        /// Reply blocks, at most [`MAX_REPLY_BLOCKS`].
        blocks: &'a [[u8; REPLY_BLOCK_SIZE]],
        /// The part itself.
        data: &'a [u8],
    },
    /// A question for a response, or for parts of it.
    Poll {
        /// The request that is to be answered.
        message: MessageId,
        /// Reply blocks, at most [`MAX_REPLY_BLOCKS`].
        blocks: &'a [[u8; REPLY_BLOCK_SIZE]],
        /// Which parts of the response the blocks are for, big-endian `u16`s: one a block, or none
        /// if the client does not know yet how many there are.
        wanted: &'a [[u8; 2]],
    },
    /// Reply blocks for parts of a response that is still to come: the client expects so many, and
    /// they need not be asked for then. Nothing is to be answered before.
    Supply {
        /// The request. The packet that begins it may come later.
        message: MessageId,
        /// Reply blocks, at most [`MAX_REPLY_BLOCKS`].
        blocks: &'a [[u8; REPLY_BLOCK_SIZE]],
        /// Which parts of the response they are for, big-endian `u16`s, one a block.
        parts: &'a [[u8; 2]],
    },
    /// A packet of a session.
    Session {
        /// The session.
        session: SessionId,
        /// The packet's number in it, one direction's.
        number: u32,
        /// Reply blocks, at most [`MAX_REPLY_BLOCKS`].
        blocks: &'a [[u8; REPLY_BLOCK_SIZE]],
        /// What it says; at most [`max_fragment_data`] bytes.
        frames: &'a [u8],
    },
}

impl<'a> Forward<'a> {
    /// As a packet's plaintext. It fits into one if there are no more blocks and data than
    /// [`max_fragment_data`] allows.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, id, number, blocks, data) = match *self {
            Self::Cover => return vec![COVER],
            Self::Fragment { message, index, count, blocks, data } => {
                let place = u32::from(index) << 16 | u32::from(count);
                (FRAGMENT, *message.as_bytes(), place, blocks, data)
            }
            Self::Poll { message, blocks, wanted } => {
                (POLL, *message.as_bytes(), 0, blocks, wanted.as_flattened())
            }
            Self::Supply { message, blocks, parts } => {
                (SUPPLY, *message.as_bytes(), 0, blocks, parts.as_flattened())
            }
            Self::Session { session, number, blocks, frames } => {
                (SESSION, *session.as_bytes(), number, blocks, frames)
            }
        };
        let blocks = &blocks[..blocks.len().min(MAX_REPLY_BLOCKS)];
        let blocks_bytes = blocks.as_flattened();
        let mut out = Vec::with_capacity(HEADER + blocks_bytes.len() + data.len());
        out.push(kind);
        out.extend_from_slice(&id);
        out.extend_from_slice(&number.to_be_bytes());
        // At most MAX_REPLY_BLOCKS, see above.
        out.push(u8::try_from(blocks.len()).unwrap_or_default());
        out.extend_from_slice(blocks_bytes);
        out.extend_from_slice(data);
        out
    }

    /// Reads a packet's plaintext.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if it is none of these.
    pub fn decode(plaintext: &'a [u8]) -> Result<Self, DropReason> {
        Self::read(plaintext).ok_or(DropReason::UnknownMessage)
    }

    fn read(plaintext: &'a [u8]) -> Option<Self> {
        let (&[kind], rest) = plaintext.split_first_chunk()?;
        if kind == COVER {
            return Some(Self::Cover);
        }
        let (id, rest) = rest.split_first_chunk::<{ MessageId::LENGTH }>()?;
        let message = MessageId::from_bytes(*id);
        let (index, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (&[blocks], rest) = rest.split_first_chunk()?;
        let (index, count) = (u16::from_be_bytes(*index), u16::from_be_bytes(*count));
        if usize::from(blocks) > MAX_REPLY_BLOCKS {
            return None;
        }
        let (blocks, data) = rest.split_at_checked(usize::from(blocks) * REPLY_BLOCK_SIZE)?;
        let (blocks, _) = blocks.as_chunks::<REPLY_BLOCK_SIZE>();
        match kind {
            FRAGMENT if count <= MAX_FRAGMENTS && index < count && !data.is_empty() => {
                Some(Self::Fragment { message, index, count, blocks, data })
            }
            SESSION => {
                let number = u32::from(index) << 16 | u32::from(count);
                let session = SessionId::from_bytes(*id);
                Some(Self::Session { session, number, blocks, frames: data })
            }
            POLL if index == 0 && count == 0 => match data.as_chunks::<2>() {
                (wanted, []) if wanted.is_empty() || wanted.len() == blocks.len() => {
                    Some(Self::Poll { message, blocks, wanted })
                }
                _ => None,
            },
            SUPPLY if index == 0 && count == 0 => match data.as_chunks::<2>() {
                (parts, []) if parts.len() == blocks.len() => {
                    Some(Self::Supply { message, blocks, parts })
                }
                _ => None,
            },
            _ => None,
        }
    }
}
