//! Names drawn by a client.

use std::fmt;

use rand::Rng;

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $name::LENGTH]);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = 16;

            /// Draws a new id.
            #[must_use]
            pub fn generate<R: Rng + ?Sized>(rng: &mut R) -> Self {
                let mut bytes = [0; Self::LENGTH];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }

            /// Any sixteen bytes are an id.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
                Self(bytes)
            }

            /// The id's bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
                &self.0
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

random_id! {
    /// Sixteen random bytes that tie a message's fragments and answers together. Only the client,
    /// who draws it, and the provider ever see it: whoever does not know it cannot ask for the
    /// response.
    MessageId
}

random_id! {
    /// Sixteen random bytes that tie a session's packets together. Only the client, who draws it,
    /// and the provider ever see it: whoever does not know it cannot write to the session's streams.
    SessionId
}
