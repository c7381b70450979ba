//! A transaction's id, and how it follows from the transaction's bytes.

use std::fmt;
use std::str::FromStr;

use monero_oxide::transaction::{NotPruned, Transaction};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// monerod's own bound on a transaction's size, in bytes.
const MAX_TRANSACTION: usize = 1_000_000;

/// A transaction's id: its hash. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TxId([u8; 32]);

/// Why some text is not a transaction id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transaction id is 64 hexadecimal digits")]
pub struct TxIdError;

/// Why some bytes are not a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxParseError {
    /// No bytes at all.
    #[error("the transaction is empty")]
    Empty,
    /// More bytes than any transaction has.
    #[error("{size} bytes are more than a transaction may have ({MAX_TRANSACTION})")]
    TooLarge {
        /// The number of bytes.
        size: usize,
    },
    /// Cut off, or not a transaction from the start.
    #[error("these {size} bytes are not a transaction: {why}")]
    Malformed {
        /// The number of bytes.
        size: usize,
        /// Where reading stopped, in the parser's words.
        why: String,
    },
    /// A whole transaction, and more behind it.
    #[error("{extra} bytes follow the end of the transaction")]
    Trailing {
        /// The number of bytes too many.
        extra: usize,
    },
    /// Parts that can be read, in a form that monerod would not write.
    #[error("the transaction is not in its canonical form")]
    NotCanonical,
}

impl TxId {
    /// The id of a raw transaction, computed from its bytes.
    ///
    /// Says nothing about validity: signatures, fees and inputs are monerod's to judge.
    pub fn of(raw: &[u8]) -> Result<Self, TxParseError> {
        if raw.is_empty() {
            return Err(TxParseError::Empty);
        }
        let size = raw.len();
        if size > MAX_TRANSACTION {
            return Err(TxParseError::TooLarge { size });
        }
        let mut rest = raw;
        let transaction = Transaction::<NotPruned>::read(&mut rest)
            .map_err(|error| TxParseError::Malformed { size, why: error.to_string() })?;
        if !rest.is_empty() {
            return Err(TxParseError::Trailing { extra: rest.len() });
        }
        // The hash is computed from the parsed form: it is the bytes' hash only if they agree.
        if transaction.serialize() != raw {
            return Err(TxParseError::NotCanonical);
        }
        Ok(Self(transaction.hash()))
    }

    /// The hash itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for TxId {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl FromStr for TxId {
    type Err = TxIdError;

    fn from_str(text: &str) -> Result<Self, TxIdError> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| TxIdError)?;
        Ok(Self(hash))
    }
}

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TxId({self})")
    }
}

impl Serialize for TxId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TxId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
