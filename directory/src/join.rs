//! The join secret: what lets a node into the network. It never travels, only proofs of it do.

#![deny(clippy::disallowed_methods)]

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret that an authority and its nodes share.
///
/// Whoever sees a proof can try guesses against it, so it must not be guessable: 16 bytes or
/// more, drawn at random ([`JoinSecret::generate`]).
#[derive(Clone)]
pub struct JoinSecret(Zeroizing<Vec<u8>>);

/// A secret of a length that cannot be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a join secret has {min} to {max} bytes, this one has {actual}; draw one with `openssl rand -hex 32`",
    min = JoinSecret::MIN_BYTES,
    max = JoinSecret::MAX_BYTES
)]
pub struct JoinSecretError {
    /// The refused secret's length in bytes, white space at its ends not counted.
    pub actual: usize,
}

impl JoinSecret {
    /// Fewer bytes could be guessed.
    pub const MIN_BYTES: usize = 16;
    /// More bytes are a mistake, such as a wrong file.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a secret as it stands in a file or variable; white space at its ends is not part of
    /// it (editors and `echo` end files with a newline).
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, JoinSecretError> {
        let secret = secret.as_ref().trim_ascii();
        if !(Self::MIN_BYTES..=Self::MAX_BYTES).contains(&secret.len()) {
            return Err(JoinSecretError { actual: secret.len() });
        }
        Ok(Self(Zeroizing::new(secret.to_vec())))
    }

    /// Draws a secret of 64 hexadecimal digits.
    #[must_use]
    pub fn generate<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self(Zeroizing::new(hex::encode(*bytes).into_bytes()))
    }

    /// The secret's bytes, to be handed to a node's configuration.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// A proof of the secret, bound to one purpose and to all of `parts`.
    pub(crate) fn prove(&self, domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        self.mac(domain, parts).finalize().into_bytes().into()
    }

    /// Whether a proof was made with this secret; takes the same time for every wrong proof.
    pub(crate) fn accepts(&self, domain: &[u8], parts: &[&[u8]], proof: &[u8]) -> bool {
        self.mac(domain, parts).verify_slice(proof).is_ok()
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    fn mac(&self, domain: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(domain);
        for part in parts {
            // With its length before each part, no two lists of parts look the same.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for JoinSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> JoinSecret {
        JoinSecret::new(text).unwrap()
    }

    #[test]
    fn a_proof_is_bound_to_secret_domain_and_parts() {
        let ours = secret("0123456789abcdef");
        let proof = ours.prove(b"a\0", &[b"net", b"body"]);
        assert!(ours.accepts(b"a\0", &[b"net", b"body"], &proof));
        assert!(!ours.accepts(b"b\0", &[b"net", b"body"], &proof));
        assert!(!ours.accepts(b"a\0", &[b"netb", b"ody"], &proof));
        assert!(!ours.accepts(b"a\0", &[b"net", b"body"], &proof[..16]));
        assert!(!ours.accepts(b"a\0", &[b"net", b"body"], &[]));
        assert!(!secret("0123456789abcdeg").accepts(b"a\0", &[b"net", b"body"], &proof));
    }

    #[test]
    fn a_newline_at_the_end_is_not_part_of_it() {
        let proof = secret("0123456789abcdef\n").prove(b"a\0", &[]);
        assert!(secret("0123456789abcdef").accepts(b"a\0", &[], &proof));
    }

    #[test]
    fn short_and_endless_secrets_are_refused() {
        assert_eq!(JoinSecret::new("short\n").unwrap_err(), JoinSecretError { actual: 5 });
        assert!(JoinSecret::new([b'a'; 2000]).is_err());
        assert!(JoinSecret::new("").unwrap_err().to_string().contains("16 to 1024"));
    }
}
