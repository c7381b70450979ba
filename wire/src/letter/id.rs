//! What gateways call mailboxes and letters.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::MailboxPublic;

macro_rules! hash_id {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $name::LENGTH]);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = 16;

            /// Any sixteen bytes may be one.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
                &self.0
            }

            fn of(domain: &[u8], bytes: &[u8]) -> Self {
                let digest = Sha256::new().chain_update(domain).chain_update(bytes).finalize();
                let mut id = [0; Self::LENGTH];
                id.copy_from_slice(&digest[..Self::LENGTH]);
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hash_id! {
    /// A mailbox's name at its gateway: the start of its key's hash.
    MailboxId
}

hash_id! {
    /// A letter's name: the start of its sealed bytes' hash. The same letter has the same id
    /// however often it is sent, and nobody can make another one with that id.
    LetterId
}

impl MailboxId {
    /// The id that belongs to a mailbox's key.
    #[must_use]
    pub fn of_key(key: &MailboxPublic) -> Self {
        Self::of(b"mixbed mailbox id\0", key.as_bytes())
    }
}

impl LetterId {
    /// The id of sealed bytes.
    #[must_use]
    pub fn of_sealed(bytes: &[u8]) -> Self {
        Self::of(b"mixbed letter id\0", bytes)
    }
}
