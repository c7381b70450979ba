//! Signatures, proofs and protobuf of anything, as a hostile peer with the right keys makes them.

use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use mixbed_directory::{IdentityPublic, Signature};
use sha2::Sha256;

/// What the join secret is, in every run.
pub(crate) const JOIN_SECRET: &[u8] = b"0123456789abcdef";

/// The secret whose 32 bytes are all `seed`.
pub(crate) fn identity(seed: u8) -> mixbed_directory::IdentitySecret {
    mixbed_directory::IdentitySecret::from_bytes([seed; 32])
}

pub(crate) fn public(seed: u8) -> IdentityPublic {
    identity(seed).public()
}

/// A signature by that secret, for a purpose.
pub(crate) fn sign(seed: u8, domain: &[u8], message: &[u8]) -> Signature {
    let key = SigningKey::from_bytes(&[seed; 32]);
    Signature::from_bytes(key.sign(&[domain, message].concat()).to_bytes())
}

/// A proof of the join secret.
pub(crate) fn prove(domain: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(JOIN_SECRET).expect("a key of any length");
    mac.update(domain);
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// A field of bytes; none at all if they are empty, as protobuf has it.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    [&[number << 3 | 2], varint(bytes.len() as u64).as_slice(), bytes].concat()
}

/// A field with a number in it; none at all if it is 0.
pub(crate) fn number(field: u8, value: u64) -> Vec<u8> {
    if value == 0 { Vec::new() } else { [&[field << 3], varint(value).as_slice()].concat() }
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
