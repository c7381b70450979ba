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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    /// A transfer with one input and two outputs, made by monero-wallet-rpc 0.18.0.
    fn one_input() -> Vec<u8> {
        hex::decode(include_str!("testdata/one_input.hex").trim()).unwrap()
    }

    /// The same with two inputs.
    fn two_inputs() -> Vec<u8> {
        hex::decode(include_str!("testdata/two_inputs.hex").trim()).unwrap()
    }

    #[test]
    fn the_id_is_the_wallets() {
        let one = "2b810cba1850d8df68b16ef6e8c1355a169b51ba7b51e4f156128bff8e7c0e5b";
        let two = "5a5e0fe9893c51c338e84e0d52490c5fd4e08914b1268a3213e6910ae11e69c5";
        assert_eq!(TxId::of(&one_input()).unwrap().to_string(), one);
        assert_eq!(TxId::of(&two_inputs()).unwrap().to_string(), two);
    }

    #[test]
    fn what_is_not_one_whole_transaction_has_no_id() {
        let whole = one_input();
        assert_eq!(TxId::of(b""), Err(TxParseError::Empty));
        let mut longer = whole.clone();
        longer.extend([0, 0]);
        assert_eq!(TxId::of(&longer), Err(TxParseError::Trailing { extra: 2 }));
        let size = MAX_TRANSACTION + 1;
        assert_eq!(TxId::of(&vec![0; size]), Err(TxParseError::TooLarge { size }));
        for end in 1..whole.len() {
            let cut = TxId::of(&whole[..end]);
            assert!(matches!(cut, Err(TxParseError::Malformed { .. })), "{end}: {cut:?}");
        }
    }

    #[test]
    fn text_is_64_hexadecimal_digits() {
        let text = "2b810cba1850d8df68b16ef6e8c1355a169b51ba7b51e4f156128bff8e7c0e5b";
        let id: TxId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(id));
        assert_eq!(serde_json::to_value(id).unwrap(), text);
        assert_eq!(serde_json::from_str::<TxId>(&format!("\"{text}\"")).unwrap(), id);
        for wrong in ["", "00", &text[1..], &format!("{text}0"), &text.replace('a', "g")] {
            assert_eq!(wrong.parse::<TxId>(), Err(TxIdError), "{wrong}");
        }
    }

    proptest! {
        /// Every byte counts: no change of one byte leaves the id as it was.
        #[test]
        fn a_changed_byte_changes_the_id_or_is_refused(at: Index, change in 1_u8..) {
            let whole = two_inputs();
            let mut changed = whole.clone();
            *at.get_mut(&mut changed) ^= change;
            prop_assert_ne!(TxId::of(&changed), TxId::of(&whole));
        }

        #[test]
        fn hostile_bytes_never_panic(raw in proptest::collection::vec(any::<u8>(), 0..4_000)) {
            let _ = TxId::of(&raw);
        }

        /// Begins like a transaction, so that the parser gets further.
        #[test]
        fn hostile_changes_never_panic(
            changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..20),
            end: Index,
            more in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut raw = two_inputs();
            for (at, byte) in changes {
                *at.get_mut(&mut raw) = byte;
            }
            let _ = TxId::of(&raw);
            raw.truncate(end.index(raw.len()));
            raw.extend(more);
            let _ = TxId::of(&raw);
        }

        /// Lengths are where parsers reserve memory: each byte of the beginning becomes the
        /// start of a huge number.
        #[test]
        fn huge_lengths_never_panic(at in 0_usize..120, length in proptest::collection::vec(0x80_u8.., 1..10), last in 0_u8..0x80) {
            let mut raw = two_inputs();
            raw.splice(at..=at, length.into_iter().chain([last]));
            let _ = TxId::of(&raw);
        }
    }
}
