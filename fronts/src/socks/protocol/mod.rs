//! The three dialects, without I/O: bytes in, a request or the answer to a bad one out.
//!
//! SOCKS 4 and 4a are two memos by NEC, SOCKS 5 is RFC 1928 with user and password of RFC 1929;
//! RESOLVE and `RESOLVE_PTR` are Tor's (`socks-extensions` in its specifications).

#![deny(clippy::disallowed_methods)]

use std::net::IpAddr;

mod command;
mod handshake;
mod malformed;
mod reply;
mod target;
#[cfg(test)]
mod tests;
mod v4;
mod v5;

use command::Command;
pub(super) use handshake::{Handshake, Step};
pub(super) use malformed::Malformed;
pub(super) use reply::{Refusal, Version};
pub(super) use target::{Host, Target};

/// Whose streams are to share no session with others': what the program gave as its name.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Isolation(pub(super) String);

/// What a program says before it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// How to answer.
    pub(super) version: Version,
    pub(super) wanted: Wanted,
    pub(super) isolation: Option<Isolation>,
}

/// What a program wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A connection.
    Connection(Target),
    /// A host's address.
    Address(Host),
    /// The name of the host with this address.
    Name(IpAddr),
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
