//! The service `monero.hold`: as `monero.submit`, after a wait that the client drew. It unlinks a
//! transaction's arrival at the provider from its appearance in Monero's network.
//!
//! ```text
//! request: wait, ms 4 | raw transaction
//! answer:  wait, ms 4 | txid 32
//! ```
//!
//! The answer comes at once, so that no reply block waits with the transaction: it says that the
//! provider holds it, and no more. What became of it is asked later, by `monero.known`.

use std::time::Duration;

use crate::DropReason;

/// The service's name.
pub const HOLD_SERVICE: &str = "monero.hold";

/// The longest wait; a provider refuses a longer one.
pub const MAX_HOLD: Duration = Duration::from_secs(600);

/// A transaction that is to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldRequest<'a> {
    /// How long, from its arrival; whole milliseconds on the wire.
    pub wait: Duration,
    /// The raw transaction.
    pub raw: &'a [u8],
}

/// A provider's word that it holds a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldAnswer {
    /// How long it still waits.
    pub wait: Duration,
    /// The transaction's id as the provider computed it from the bytes.
    pub txid: [u8; 32],
}

impl<'a> HoldRequest<'a> {
    /// The bytes that come with a transaction.
    pub const OVERHEAD: usize = 4;

    /// The request's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&millis(self.wait)[..], self.raw].concat()
    }

    /// Reads a request's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DropReason> {
        let (wait, raw) = bytes.split_first_chunk().ok_or(DropReason::UnknownMessage)?;
        Ok(Self { wait: of_millis(*wait), raw })
    }
}

impl HoldAnswer {
    /// The answer's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&millis(self.wait)[..], &self.txid].concat()
    }

    /// Reads an answer's bytes.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DropReason> {
        let (wait, txid) = bytes.split_first_chunk().ok_or(DropReason::UnknownMessage)?;
        let txid = txid.try_into().map_err(|_| DropReason::UnknownMessage)?;
        Ok(Self { wait: of_millis(*wait), txid })
    }
}

fn millis(wait: Duration) -> [u8; 4] {
    u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).to_be_bytes()
}

fn of_millis(bytes: [u8; 4]) -> Duration {
    Duration::from_millis(u32::from_be_bytes(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for raw in [&[][..], &[1; 2166]] {
            let request = HoldRequest { wait: MAX_HOLD, raw };
            let bytes = request.encode();
            assert_eq!(bytes.len(), HoldRequest::OVERHEAD + raw.len());
            assert_eq!(HoldRequest::decode(&bytes), Ok(request));
        }
        let answer = HoldAnswer { wait: Duration::from_millis(1500), txid: [7; 32] };
        assert_eq!(HoldAnswer::decode(&answer.encode()), Ok(answer));
        assert!(HoldRequest::decode(&[0; 3]).is_err());
        for length in [0, 4, 35, 37] {
            assert!(HoldAnswer::decode(&vec![0; length]).is_err(), "{length}");
        }
    }
}
