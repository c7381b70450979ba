//! A reply's plaintext: `kind 1 | number 4 | frames`.

use mixbed_wire::{DropReason, MAX_PLAINTEXT};

use crate::{Code, frame::Frame};

/// Replies to messages have kinds 1 to 3, see `mixbed_wire::message::Answer`.
const KIND: u8 = 4;

/// Bytes before the frames.
const HEADER: usize = 1 + 4;

/// The most bytes of a reply's plaintext.
pub(crate) const MAX_REPLY: usize = MAX_PLAINTEXT;

/// The most bytes of frames in a reply.
pub(crate) const MAX_REPLY_FRAMES: usize = MAX_REPLY - HEADER;

/// The beginning of a reply.
pub(crate) fn begin(number: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(MAX_REPLY);
    out.push(KIND);
    out.extend(number.to_be_bytes());
    out
}

/// A reply's number and frames.
pub(crate) fn read(plaintext: &[u8]) -> Result<(u32, Vec<Frame<'_>>), DropReason> {
    match plaintext.split_first_chunk::<HEADER>() {
        Some((&[KIND, a, b, c, d], frames)) => {
            Ok((u32::from_be_bytes([a, b, c, d]), Frame::decode(frames)?))
        }
        _ => Err(DropReason::UnknownMessage),
    }
}

/// What a provider answers, by one reply block, to a packet of a session that it does not know: the
/// client ends it at once.
#[must_use]
pub fn unknown_session() -> Vec<u8> {
    let mut out = begin(u32::MAX);
    Frame::Close { code: Code::SessionLost, words: "" }.encode(&mut out);
    out
}

/// Whether the frames of a packet of an unknown session make one. Of all other packets of unknown
/// sessions, those with reply blocks are answered with [`unknown_session`].
#[must_use]
pub fn opens_session(frames: &[u8]) -> bool {
    let frames = Frame::decode(frames).unwrap_or_default();
    matches!(frames.first(), Some(Frame::Hello { version: crate::frame::VERSION }))
}
