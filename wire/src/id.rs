//! Who is who on the wire: a node's or a client's id.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Eight bytes that name a node or a client in routing information.
///
/// A node's id is the start of the hash of its ed25519 identity key, a client's of its link key,
/// so nobody chooses an id: whoever wants another's has to find a second key with the same 64
/// bits. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; NodeId::LENGTH]);

impl NodeId {
    /// Length in bytes.
    pub const LENGTH: usize = 8;

    /// The id that belongs to a public key (of a node: its identity; of a client: its link key).
    #[must_use]
    pub fn of_key(public_key: &[u8; 32]) -> Self {
        let digest =
            Sha256::new().chain_update(b"mixbed node id\0").chain_update(public_key).finalize();
        let mut id = [0; Self::LENGTH];
        id.copy_from_slice(&digest[..Self::LENGTH]);
        Self(id)
    }

    /// Reads an id from routing information; any eight bytes are an id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The id's bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no [`NodeId`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a node id is 16 hexadecimal digits, this is not: {0:?}")]
pub struct ParseNodeIdError(String);

impl FromStr for NodeId {
    type Err = ParseNodeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; Self::LENGTH];
        hex::decode_to_slice(text, &mut id)
            .map_err(|_| ParseNodeIdError(text.chars().take(40).collect()))?;
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_there_and_back() {
        let id = NodeId::of_key(&[7; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "00", "zz00000000000000", "000000000000000000"] {
            assert!(text.parse::<NodeId>().is_err(), "{text}");
        }
    }

    #[test]
    fn different_keys_have_different_ids() {
        assert_ne!(NodeId::of_key(&[1; 32]), NodeId::of_key(&[2; 32]));
    }
}
