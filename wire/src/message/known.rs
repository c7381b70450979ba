//! The service `monero.known`: whether a provider's monerod has a transaction. Whoever handed it to
//! one provider asks another, so that "accepted" rests on two words.
//!
//! ```text
//! request: txid 32; or nothing: whether monerod answers
//! answer:  state 1 | …
//!          0 unknown
//!          1 in the pool
//!          2 in a block: height 8 | confirmations 8
//!          3 monerod answers (to a request of nothing)
//!          4 unavailable: words
//! ```
//!
//! Both fit into one packet.

use crate::DropReason;

use super::response::{cut, words};

/// The service's name.
pub const KNOWN_SERVICE: &str = "monero.known";

const UNKNOWN: u8 = 0;
const IN_POOL: u8 = 1;
const MINED: u8 = 2;
const READY: u8 = 3;
const UNAVAILABLE: u8 = 4;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownRequest {
    /// Where a transaction is, by its id.
    Transaction([u8; 32]),
    /// Whether monerod answers: asked before a transaction is handed over.
    Ready,
}

/// What the provider's monerod says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownAnswer {
    /// It does not have the transaction. One that was just handed to another monerod may still be
    /// on its way.
    Unknown,
    /// It waits for a block.
    InPool,
    /// It is in a block.
    Mined {
        /// The block's height.
        height: u64,
        /// Blocks from that one to the newest, both included.
        confirmations: u64,
    },
    /// It answers, and is in step with its network.
    Ready,
    /// It could not be asked.
    Unavailable {
        /// Why.
        words: String,
    },
}

impl KnownRequest {
    /// The request's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Transaction(txid) => txid.to_vec(),
            Self::Ready => Vec::new(),
        }
    }

    /// Reads a request's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        if bytes.is_empty() {
            return Ok(Self::Ready);
        }
        bytes.try_into().map(Self::Transaction).map_err(|_| DropReason::UnknownMessage)
    }
}

impl KnownAnswer {
    /// The answer's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Unknown => vec![UNKNOWN],
            Self::InPool => vec![IN_POOL],
            Self::Ready => vec![READY],
            Self::Mined { height, confirmations } => {
                [&[MINED][..], &height.to_be_bytes(), &confirmations.to_be_bytes()].concat()
            }
            Self::Unavailable { words } => [&[UNAVAILABLE][..], cut(words).as_bytes()].concat(),
        }
    }

    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::UnknownMessage)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[state], rest) = bytes.split_first_chunk()?;
        let plain = |answer| rest.is_empty().then_some(answer);
        match state {
            UNKNOWN => plain(Self::Unknown),
            IN_POOL => plain(Self::InPool),
            READY => plain(Self::Ready),
            MINED => {
                let (height, rest) = rest.split_first_chunk()?;
                let confirmations = u64::from_be_bytes(rest.try_into().ok()?);
                Some(Self::Mined { height: u64::from_be_bytes(*height), confirmations })
            }
            UNAVAILABLE => Some(Self::Unavailable { words: words(rest).ok()? }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Vec<KnownAnswer> {
        vec![
            KnownAnswer::Unknown,
            KnownAnswer::InPool,
            KnownAnswer::Ready,
            KnownAnswer::Mined { height: u64::MAX, confirmations: 7 },
            KnownAnswer::Unavailable { words: "it is away".to_owned() },
        ]
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for answer in answers() {
            assert_eq!(KnownAnswer::decode(&answer.encode()), Ok(answer));
        }
        for request in [KnownRequest::Ready, KnownRequest::Transaction([7; 32])] {
            assert_eq!(KnownRequest::decode(&request.encode()), Ok(request));
        }
        for length in [1, 31, 33] {
            assert!(KnownRequest::decode(&vec![0; length]).is_err(), "{length}");
        }
        for bad in [&[][..], &[0, 0], &[1, 1], &[2; 16], &[2; 18], &[3, 3], &[5]] {
            assert!(KnownAnswer::decode(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn strangers_words_are_cut_and_harmless() {
        let long = KnownAnswer::Unavailable { words: "é".repeat(4000) }.encode();
        let Ok(KnownAnswer::Unavailable { words }) = KnownAnswer::decode(&long) else { panic!() };
        assert_eq!(words.len(), 1024);
        let Ok(KnownAnswer::Unavailable { words }) = KnownAnswer::decode(b"\x04a\x1b[2Jb") else {
            panic!()
        };
        assert_eq!(words, "a [2Jb");
    }
}
