//! What a provider's packet says to a client, by one of the client's reply blocks.
//!
//! ```text
//! kind 1 | message id 16 | …
//!          1 acknowledgement: bitmap of the fragments held, 0 to 64 bytes
//!          2 pending: nothing more
//!          3 response: index 2 | count 2 | data
//! ```

use crate::{DropReason, MAX_PLAINTEXT};

use super::{Bitmap, MAX_FRAGMENTS, MessageId};

const ACK: u8 = 1;
const PENDING: u8 = 2;
const RESPONSE: u8 = 3;

/// The most data that one fragment of a response carries, in bytes.
pub const MAX_ANSWER_DATA: usize = MAX_PLAINTEXT - (1 + MessageId::LENGTH + 2 + 2);

/// What a provider's packet says. Its [`MessageId`] is the request's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The request is not complete.
    Ack {
        /// The request.
        message: MessageId,
        /// The fragments that the provider holds; empty if it knows nothing of the request.
        held: Bitmap,
    },
    /// The request is complete; the service has not answered yet.
    Pending {
        /// The request.
        message: MessageId,
    },
    /// A part of the response.
    Response {
        /// The request.
        message: MessageId,
        /// Which part, from 0.
        index: u16,
        /// Of how many, 1 to [`MAX_FRAGMENTS`].
        count: u16,
        /// The part itself, at most [`MAX_ANSWER_DATA`] bytes.
        data: Vec<u8>,
    },
}

impl Answer {
    /// The request that is answered.
    #[must_use]
    pub fn message(&self) -> MessageId {
        match self {
            Self::Ack { message, .. }
            | Self::Pending { message }
            | Self::Response { message, .. } => *message,
        }
    }

    /// As a reply's plaintext.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let head = |kind: u8, message: &MessageId| {
            let mut out = vec![kind];
            out.extend_from_slice(message.as_bytes());
            out
        };
        match self {
            Self::Ack { message, held } => {
                let mut out = head(ACK, message);
                out.extend_from_slice(held.as_bytes());
                out
            }
            Self::Pending { message } => head(PENDING, message),
            Self::Response { message, index, count, data } => {
                let mut out = head(RESPONSE, message);
                out.extend_from_slice(&index.to_be_bytes());
                out.extend_from_slice(&count.to_be_bytes());
                out.extend_from_slice(data);
                out
            }
        }
    }

    /// Reads a reply's plaintext.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if it is none of these.
    pub fn decode(plaintext: &[u8]) -> Result<Self, DropReason> {
        Self::read(plaintext).ok_or(DropReason::UnknownMessage)
    }

    fn read(plaintext: &[u8]) -> Option<Self> {
        let (&[kind], rest) = plaintext.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk::<{ MessageId::LENGTH }>()?;
        let message = MessageId::from_bytes(*id);
        match kind {
            ACK => Some(Self::Ack { message, held: Bitmap::from_bytes(rest)? }),
            PENDING => rest.is_empty().then_some(Self::Pending { message }),
            RESPONSE => {
                let (index, rest) = rest.split_first_chunk()?;
                let (count, data) = rest.split_first_chunk()?;
                let (index, count) = (u16::from_be_bytes(*index), u16::from_be_bytes(*count));
                (count <= MAX_FRAGMENTS && index < count && !data.is_empty())
                    .then(|| Self::Response { message, index, count, data: data.to_vec() })
            }
            _ => None,
        }
    }
}
