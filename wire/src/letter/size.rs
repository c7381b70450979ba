//! The sizes that letters have.

use crate::message::{MAILBOX_PUT_OVERHEAD, MAX_FRAGMENT_DATA};

use super::{noise, sealed};

/// Bytes of a sealed letter: what 1, 4, 16 and 28 packets carry to its gateway. 28 are the most
/// that one Noise message (65,535 bytes) fills.
pub const LETTER_SIZES: [usize; 4] = [packets(1), packets(4), packets(16), packets(28)];

/// The most bytes of text in a letter: 63,838.
pub const MAX_LETTER_TEXT: usize = room(LETTER_SIZES[3]);

const fn packets(count: usize) -> usize {
    count * MAX_FRAGMENT_DATA - MAILBOX_PUT_OVERHEAD
}

/// The text that a sealed letter of this size has room for.
const fn room(size: usize) -> usize {
    size - noise::OVERHEAD - sealed::HEADER
}

/// The least size that takes a text of this length.
pub(super) fn fitting(text: usize) -> Option<usize> {
    LETTER_SIZES.into_iter().find(|size| room(*size) >= text)
}
