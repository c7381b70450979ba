//! The kinds of x25519 keys: for links, for packets and for mailboxes. Different types, so that
//! none is ever used in another's place.

use std::fmt;

use rand::Rng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

macro_rules! key_pair {
    ($secret:ident, $public:ident, $what:literal) => {
        #[doc = concat!("The secret half of ", $what, ". Erased when dropped, never printed.")]
        #[derive(Clone)]
        pub struct $secret(StaticSecret);

        impl $secret {
            /// Draws a new secret.
            #[must_use]
            pub fn generate<R: Rng + ?Sized>(rng: &mut R) -> Self {
                let mut bytes = Zeroizing::new([0; 32]);
                rng.fill_bytes(bytes.as_mut_slice());
                Self(StaticSecret::from(*bytes))
            }

            /// Takes a stored secret back.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(StaticSecret::from(bytes))
            }

            /// The secret's bytes, to be stored.
            #[must_use]
            pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
                Zeroizing::new(self.0.to_bytes())
            }

            /// The public half.
            #[must_use]
            pub fn public(&self) -> $public {
                $public(PublicKey::from(&self.0).to_bytes())
            }

            #[allow(dead_code, reason = "not all kinds are used this way")]
            pub(crate) fn inner(&self) -> &StaticSecret {
                &self.0
            }

            #[allow(dead_code, reason = "not all kinds are used this way")]
            pub(crate) fn bytes(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }
        }

        impl fmt::Debug for $secret {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}(of {:?})", stringify!($secret), self.public())
            }
        }

        #[doc = concat!("The public half of ", $what, ".")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $public([u8; 32]);

        impl $public {
            /// Any 32 bytes are a key: that its owner has the secret shows only in use.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The key's bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $public {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $public {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

key_pair!(LinkSecret, LinkPublic, "a link key: it authenticates a TCP link (Noise XK)");
key_pair!(SphinxSecret, SphinxPublic, "a packet key: it unwraps Sphinx packets");
key_pair!(
    MailboxSecret,
    MailboxPublic,
    "a mailbox key: it opens letters, and proves whose mailbox it is"
);

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_stored_secret_has_the_same_public_half() {
        let secret = LinkSecret::generate(&mut rand_chacha::ChaCha20Rng::seed_from_u64(1));
        assert_eq!(LinkSecret::from_bytes(*secret.to_bytes()).public(), secret.public());
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = SphinxSecret::from_bytes([0xab; 32]);
        assert!(!format!("{secret:?}").contains("abab"));
    }
}
