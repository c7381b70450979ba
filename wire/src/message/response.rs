//! A service's response, or why there is none.

use crate::DropReason;

use super::{MAX_ANSWER_DATA, MAX_MESSAGE};

const OK: u8 = 0;
const UNKNOWN_SERVICE: u8 = 1;
const REFUSED: u8 = 2;
const FAILED: u8 = 3;
const TOO_LARGE: u8 = 4;

/// The most bytes of words in an error; longer ones are cut.
pub const MAX_WORDS: usize = 1024;

/// A response as it is before it is cut into fragments: one byte of status, then data or words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The service's answer.
    Ok(Vec<u8>),
    /// The provider has no such service.
    UnknownService,
    /// The request was not carried out, and will not be if it is made again. In words.
    Refused(String),
    /// The request could not be carried out now. In words.
    Failed(String),
    /// The request, or its answer, is larger than a message may be.
    TooLarge,
}

impl Response {
    /// The response's bytes. One that is too large for a message becomes
    /// [`TooLarge`](Self::TooLarge).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (status, data): (u8, &[u8]) = match self {
            Self::Ok(data) if data.len() >= MAX_MESSAGE => (TOO_LARGE, &[]),
            Self::Ok(data) => (OK, data),
            Self::UnknownService => (UNKNOWN_SERVICE, &[]),
            Self::Refused(words) => (REFUSED, cut(words).as_bytes()),
            Self::Failed(words) => (FAILED, cut(words).as_bytes()),
            Self::TooLarge => (TOO_LARGE, &[]),
        };
        let mut out = Vec::with_capacity(1 + data.len());
        out.push(status);
        out.extend_from_slice(data);
        out
    }

    /// Reads a response's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        let (&status, data) = bytes.split_first().ok_or(DropReason::UnknownMessage)?;
        match status {
            OK if bytes.len() <= MAX_MESSAGE => Ok(Self::Ok(data.to_vec())),
            UNKNOWN_SERVICE if data.is_empty() => Ok(Self::UnknownService),
            REFUSED => words(data).map(Self::Refused),
            FAILED => words(data).map(Self::Failed),
            TOO_LARGE if data.is_empty() => Ok(Self::TooLarge),
            _ => Err(DropReason::UnknownMessage),
        }
    }

    /// How many fragments a response's bytes make.
    #[must_use]
    pub fn fragment_count(bytes: &[u8]) -> u16 {
        // MAX_MESSAGE / MAX_ANSWER_DATA is 391.
        u16::try_from(bytes.len().div_ceil(MAX_ANSWER_DATA)).unwrap_or(u16::MAX)
    }

    /// The data of one of a response's fragments.
    #[must_use]
    pub fn fragment(bytes: &[u8], index: u16) -> Option<&[u8]> {
        bytes.chunks(MAX_ANSWER_DATA).nth(usize::from(index))
    }
}

/// The first [`MAX_WORDS`] bytes of a text, cut between two characters.
pub(super) fn cut(words: &str) -> &str {
    let mut end = words.len().min(MAX_WORDS);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    &words[..end]
}

/// A stranger's words: what cannot be shown in one line of a terminal is replaced.
pub(super) fn words(bytes: &[u8]) -> Result<String, DropReason> {
    if bytes.len() > MAX_WORDS {
        return Err(DropReason::UnknownMessage);
    }
    let text = String::from_utf8_lossy(bytes);
    Ok(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}
