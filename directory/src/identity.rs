//! The ed25519 keys that nodes and authorities sign with.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use mixbed_wire::NodeId;
use rand::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// The secret half of an identity. Erased when dropped, never printed.
#[derive(Clone)]
pub struct IdentitySecret(SigningKey);

impl IdentitySecret {
    /// Draws a new secret.
    #[must_use]
    pub fn generate<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self::from_bytes(*bytes)
    }

    /// Takes a stored secret back.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&bytes))
    }

    /// The secret's bytes, to be stored.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> IdentityPublic {
        IdentityPublic(self.0.verifying_key().to_bytes())
    }

    /// The id of the node with this identity.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.public().id()
    }

    /// Signs `message` for one purpose: a signature for one domain holds in no other.
    pub(crate) fn sign(&self, domain: &[u8], message: &[u8]) -> Signature {
        Signature(self.0.sign(&[domain, message].concat()).to_bytes())
    }
}

impl fmt::Debug for IdentitySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentitySecret(of {})", self.public())
    }
}

/// The public half of an identity: a node's, or an authority's. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityPublic([u8; 32]);

impl IdentityPublic {
    /// Takes any 32 bytes; if they are no key, no signature holds under them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id of the node with this identity.
    #[must_use]
    pub fn id(&self) -> NodeId {
        NodeId::of_key(&self.0)
    }

    /// Whether the signature was made with this identity, for this domain, over this message.
    pub(crate) fn verifies(&self, domain: &[u8], message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(&[domain, message].concat(), &signature).is_ok())
    }
}

impl fmt::Display for IdentityPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for IdentityPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no [`IdentityPublic`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a public key is 64 hexadecimal digits, this is not: {0:?}")]
pub struct ParseIdentityError(String);

impl FromStr for IdentityPublic {
    type Err = ParseIdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key)
            .map_err(|_| ParseIdentityError(text.chars().take(80).collect()))?;
        Ok(Self(key))
    }
}

impl Serialize for IdentityPublic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IdentityPublic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Takes any 64 bytes: whether they are a signature shows when it is verified.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The signature's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_key_domain_and_message_only() {
        let secret = IdentitySecret::from_bytes([1; 32]);
        let signature = secret.sign(b"a\0", b"message");
        assert!(secret.public().verifies(b"a\0", b"message", &signature));
        assert!(!secret.public().verifies(b"b\0", b"message", &signature));
        assert!(!secret.public().verifies(b"a\0", b"massage", &signature));
        let other = IdentitySecret::from_bytes([2; 32]).public();
        assert!(!other.verifies(b"a\0", b"message", &signature));
    }

    #[test]
    fn bytes_that_are_no_key_verify_nothing() {
        let signature = IdentitySecret::from_bytes([1; 32]).sign(b"a\0", b"message");
        for byte in 0..=255 {
            let key = IdentityPublic::from_bytes([byte; 32]);
            assert!(!key.verifies(b"a\0", b"message", &signature));
        }
    }

    #[test]
    fn text_goes_there_and_back() {
        let key = IdentitySecret::from_bytes([1; 32]).public();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!("abcd".parse::<IdentityPublic>().is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", IdentitySecret::from_bytes([0xab; 32])).contains("abab"));
    }
}
