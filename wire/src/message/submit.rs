//! The answer of the service `monero.submit`. Its request is the raw transaction, nothing else.
//!
//! ```text
//! outcome 1 | attempts 4 | monerod's time, µs 8 | …
//!             0 accepted: already known 1 | txid 32, or nothing if it could not be computed
//!             1 rejected: flags 4 | words
//!             2 unavailable: words
//! ```

use std::time::Duration;

use crate::DropReason;

use super::response::{cut, words};

/// The service's name.
pub const SUBMIT_SERVICE: &str = "monero.submit";

const ACCEPTED: u8 = 0;
const REJECTED: u8 = 1;
const UNAVAILABLE: u8 = 2;

/// What became of a transaction, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitAnswer {
    /// What became of it.
    pub outcome: SubmitOutcome,
    /// How often it was handed to monerod.
    pub attempts: u32,
    /// The time spent waiting for monerod; whole microseconds on the wire.
    pub monerod_time: Duration,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// monerod has it.
    Accepted {
        /// The transaction's id as the provider computed it from the bytes.
        txid: Option<[u8; 32]>,
        /// monerod had it before.
        already_known: bool,
    },
    /// monerod refuses it.
    Rejected {
        /// What monerod found wrong: bit n is the n-th of its flags, in alphabetical order.
        flags: u32,
        /// The same in words.
        words: String,
    },
    /// monerod could not be made to answer. To submit again is safe.
    Unavailable {
        /// Why.
        words: String,
    },
}

impl SubmitAnswer {
    /// The answer's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![match &self.outcome {
            SubmitOutcome::Accepted { .. } => ACCEPTED,
            SubmitOutcome::Rejected { .. } => REJECTED,
            SubmitOutcome::Unavailable { .. } => UNAVAILABLE,
        }];
        out.extend_from_slice(&self.attempts.to_be_bytes());
        let micros = u64::try_from(self.monerod_time.as_micros()).unwrap_or(u64::MAX);
        out.extend_from_slice(&micros.to_be_bytes());
        match &self.outcome {
            SubmitOutcome::Accepted { txid, already_known } => {
                out.push(u8::from(*already_known));
                out.extend_from_slice(txid.as_ref().map_or(&[], <[u8; 32]>::as_slice));
            }
            SubmitOutcome::Rejected { flags, words } => {
                out.extend_from_slice(&flags.to_be_bytes());
                out.extend_from_slice(cut(words).as_bytes());
            }
            SubmitOutcome::Unavailable { words } => out.extend_from_slice(cut(words).as_bytes()),
        }
        out
    }

    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        Self::read(bytes).ok_or(DropReason::UnknownMessage)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[outcome], rest) = bytes.split_first_chunk()?;
        let (attempts, rest) = rest.split_first_chunk()?;
        let (micros, rest) = rest.split_first_chunk()?;
        let outcome = match outcome {
            ACCEPTED => {
                let (&[known], txid) = rest.split_first_chunk()?;
                let txid = if txid.is_empty() { None } else { Some(txid.try_into().ok()?) };
                SubmitOutcome::Accepted { txid, already_known: bool_of(known)? }
            }
            REJECTED => {
                let (flags, text) = rest.split_first_chunk()?;
                let words = words(text).ok()?;
                SubmitOutcome::Rejected { flags: u32::from_be_bytes(*flags), words }
            }
            UNAVAILABLE => SubmitOutcome::Unavailable { words: words(rest).ok()? },
            _ => return None,
        };
        Some(Self {
            outcome,
            attempts: u32::from_be_bytes(*attempts),
            monerod_time: Duration::from_micros(u64::from_be_bytes(*micros)),
        })
    }
}

fn bool_of(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
