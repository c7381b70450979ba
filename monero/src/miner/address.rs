//! Addresses that blocks can be mined to, checked here: monerod only says "failed to parse".

use std::fmt;
use std::str::FromStr;

use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::edwards::CompressedEdwardsY;
use monero_oxide::primitives::keccak256;

use super::base58;

/// A kind of network, two keys, a checksum.
const LENGTH: usize = 1 + 32 + 32 + 4;

/// A regtest chain has mainnet's addresses.
const STANDARD: u8 = 18;

/// A standard address of a regtest chain.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) text: String,
    /// Their points are large.
    pub(super) keys: Box<Keys>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) spend: EdwardsPoint,
    pub(super) view: EdwardsPoint,
}

/// Why an address cannot be mined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not what an address looks like.
    #[error("that is no Monero address: one has 95 characters, and begins with 4")]
    Malformed,
    /// Its checksum is wrong.
    #[error("the address has a typing error: its checksum is wrong")]
    Checksum,
    /// A subaddress.
    #[error(
        "blocks cannot be mined to a subaddress (8…): give the wallet's primary address, which begins with 4"
    )]
    Subaddress,
    /// An integrated address.
    #[error(
        "blocks cannot be mined to an integrated address: give the wallet's primary address, of 95 characters"
    )]
    Integrated,
    /// An address of another network.
    #[error(
        "the address is of testnet or stagenet; a regtest chain has mainnet's, which begin with 4"
    )]
    OtherNetwork,
    /// Its keys are no keys.
    #[error("the address holds no keys that can be paid to")]
    Keys,
}

impl Address {
    /// The address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bytes = base58::decode(text).ok_or(AddressError::Malformed)?;
        let (body, checksum) = bytes.split_last_chunk::<4>().ok_or(AddressError::Malformed)?;
        if keccak256(body)[..4] != checksum[..] {
            let like_one = bytes.len() == LENGTH;
            return Err(if like_one { AddressError::Checksum } else { AddressError::Malformed });
        }
        match body.first() {
            Some(&STANDARD) if bytes.len() == LENGTH => {}
            Some(19) => return Err(AddressError::Integrated),
            Some(42) => return Err(AddressError::Subaddress),
            Some(53 | 54 | 63 | 24 | 25 | 36) => return Err(AddressError::OtherNetwork),
            _ => return Err(AddressError::Malformed),
        }
        let key = |at: usize| {
            let bytes: [u8; 32] = body.get(at..at + 32)?.try_into().ok()?;
            CompressedEdwardsY(bytes).decompress()
        };
        let (Some(spend), Some(view)) = (key(1), key(33)) else {
            return Err(AddressError::Keys);
        };
        Ok(Self { text: text.to_owned(), keys: Box::new(Keys { spend, view }) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miner::NOBODY;

    #[test]
    fn tells_what_is_wrong_with_an_address() {
        assert_eq!(NOBODY.parse::<Address>().unwrap().to_string(), NOBODY);
        let subaddress = "838ubD9SCW9FJssEEnB4eCZYs48L9uydU1qFtYNAgSYfQkyR3A2UY3zFidAHAH1iU5ELQDj9dFpHNBkYJ6oTvs7GDMAhP9b";
        let integrated = "4HrGPYqp7NNVhbmw7p4hFeDzoG6QAK5QhQGLBSvzmKnvS7nCo4GWkexCHHKkP4U4qHbjFDbf4QVWHHCXTV8KqvLYe1Ue88uwRbF1KnizW2";
        let mistyped = NOBODY.replacen("bNk", "bNj", 1);
        let cases = [
            ("", AddressError::Malformed),
            ("mixbed1qqqq", AddressError::Malformed),
            (&NOBODY[..94], AddressError::Malformed),
            (&"1".repeat(95), AddressError::Checksum),
            (&"é".repeat(50), AddressError::Malformed),
            (&mistyped, AddressError::Checksum),
            (subaddress, AddressError::Subaddress),
            (integrated, AddressError::Integrated),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }
}
