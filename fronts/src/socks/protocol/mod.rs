//! The three dialects, without I/O: bytes in, a request or the answer to a bad one out.
//!
//! SOCKS 4 and 4a are two memos by NEC, SOCKS 5 is RFC 1928 with user and password of RFC 1929.

#![deny(clippy::disallowed_methods)]

mod handshake;
mod malformed;
mod reply;
mod target;
#[cfg(test)]
mod tests;
mod v4;
mod v5;

pub(super) use handshake::{Handshake, Step};
pub(super) use malformed::Malformed;
pub(super) use reply::{Refusal, Version};
pub(super) use target::Target;

/// Whose streams are to share no session with others': what the program gave as its name.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Isolation(pub(super) String);

/// What a program wants: a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// How to answer.
    pub(super) version: Version,
    pub(super) target: Target,
    pub(super) isolation: Option<Isolation>,
}

impl Isolation {
    /// Of a SOCKS 4 user id.
    fn of_user(user: &[u8]) -> Option<Self> {
        (!user.is_empty()).then(|| Self(format!("4:{}", user.escape_ascii())))
    }

    /// Of a SOCKS 5 user and password. The user's length keeps `a:b` and `c` apart from `a` and `b:c`.
    fn of_user_and_password(user: &[u8], password: &[u8]) -> Self {
        let (length, user, password) = (user.len(), user.escape_ascii(), password.escape_ascii());
        Self(format!("5:{length}:{user}:{password}"))
    }
}

/// A password may be in it.
impl std::fmt::Debug for Isolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Isolation(..)")
    }
}
