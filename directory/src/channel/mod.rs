//! The encrypted channel between a directory and everyone who speaks with it: under gRPC, instead
//! of TLS.
//!
//! It is Noise NX: the directory shows a key that it draws at each start, with the signature of its
//! authority key over that key and the network's name. Who connects believes it if the authority
//! key is one that it trusts, and sends nothing before. So whoever stands between can cut the
//! connection, and read or change nothing. Who connects shows no key: nodes and admins sign
//! what they say, and clients have no name here.

mod accept;
mod dial;
mod frames;
mod handshake;
#[cfg(test)]
mod tests;

pub(crate) use accept::accept;
pub(crate) use dial::dial;
pub(crate) use frames::Channel;
pub use handshake::{Answered, Credential, HandshakeError, Initiator, answer};

/// The length before each message, in bytes.
const HEAD: usize = 2;
