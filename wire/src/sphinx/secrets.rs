//! What a hop and the sender derive from the secret that they share.

use std::sync::LazyLock;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::SECURITY;
use super::lioness::Lioness;
use super::multiply::{Point, multiply};
use super::oracles::{Hmac, expand};

const INFO: &[u8] = b"Dwste mou enan moxlo arketa makru kai ena upomoxlio gia na ton topothetisw kai tha kinisw thn gh.";
const PAYLOAD_INFO: &[u8] = b"sphinx-payload-key-V01-CS01-HKDF:SHA256-INFO";
const PAYLOAD_SALT: &[u8] = b"sphinx-payload-key-V01-CS01-HKDF:SHA256-SALT";

static NO_SALT: LazyLock<Hmac> = LazyLock::new(|| Hmac::new(b""));
static PAYLOAD: LazyLock<Hmac> = LazyLock::new(|| Hmac::new(PAYLOAD_SALT));

/// From which the key of one layer of the payload's cipher is made.
pub(crate) type PayloadSeed = [u8; SECURITY];

/// The paper's random oracles at a shared secret s.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct HopSecrets {
    /// `h_ρ(s)`: the stream cipher's key.
    pub(super) stream: [u8; SECURITY],
    /// `h_μ(s)`: the MAC's key.
    mac: [u8; SECURITY],
    /// `h_π(s)`: the seed of the payload's key.
    pub(super) payload: PayloadSeed,
    /// `h_b(s)`: the blinding factor.
    pub(super) blinding: [u8; 32],
    /// `h_τ(s)`: by which a packet is known again.
    pub(crate) tag: [u8; 32],
}

impl HopSecrets {
    /// Those of the packet that came with this alpha, at the hop with this key.
    pub(crate) fn at_hop(key: &[u8; 32], alpha: &Point) -> Self {
        Self::of(&Zeroizing::new(multiply(key, alpha)))
    }

    pub(super) fn of(shared: &Point) -> Self {
        let mut bytes = Zeroizing::new([0; 288]);
        expand::<3>(&NO_SALT, shared, INFO, bytes.as_mut_slice());
        let mut secrets = Self {
            stream: [0; SECURITY],
            mac: [0; SECURITY],
            payload: [0; SECURITY],
            blinding: [0; 32],
            tag: [0; 32],
        };
        secrets.stream.copy_from_slice(&bytes[..16]);
        secrets.mac.copy_from_slice(&bytes[16..32]);
        // A payload's key of 192 bytes was here in older versions: 260 takes its first 16 for a seed.
        secrets.payload.copy_from_slice(&bytes[32..48]);
        secrets.blinding.copy_from_slice(&bytes[224..256]);
        secrets.tag.copy_from_slice(&bytes[256..]);
        secrets
    }

    pub(crate) fn payload_seed(&self) -> PayloadSeed {
        self.payload
    }

    /// μ of the routing information: gamma.
    pub(super) fn mac(&self, routing: &[u8]) -> [u8; SECURITY] {
        let mut mac = [0; SECURITY];
        mac.copy_from_slice(&Hmac::new(&self.mac).of::<5>(routing)[..SECURITY]);
        mac
    }
}

/// The cipher of one layer of the payload.
pub(super) fn payload_cipher(seed: &PayloadSeed) -> Lioness {
    let mut key = Zeroizing::new([0; Lioness::KEY]);
    expand::<2>(&PAYLOAD, seed, PAYLOAD_INFO, key.as_mut_slice());
    Lioness::new(&key)
}
