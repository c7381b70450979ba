//! Sphinx packets, to the byte those of sphinx-packet 0.8 in its version 260.
//!
//! `docs/sphinx.md` says which formula of the paper is where, what was measured, and what becomes of
//! each key that a hostile node may publish. The library is the reference that the tests and the
//! fuzzer hold this against.

mod header;
mod lioness;
mod multiply;
mod oracles;
mod payload;
mod secrets;
#[cfg(test)]
mod tests;

pub(crate) use header::{PADDING, Peeled, Sender, Unreadable, alpha, is_genuine, peel};
pub(crate) use payload::Payload;
pub(crate) use secrets::{HopSecrets, PayloadSeed};

/// k in the paper: bytes of a MAC, of a stream cipher's key, and of zeros before a plaintext.
const SECURITY: usize = 16;

/// r in the paper: hops on a route.
pub(crate) const HOPS: usize = 5;

/// Bytes of a group element: alpha.
const ELEMENT: usize = 32;

/// Bytes of a hop's address, and of a destination.
pub(crate) const ADDRESS: usize = 32;

/// Bytes of a destination's identifier.
pub(crate) const IDENTIFIER: usize = SECURITY;

/// Bytes of what a hop reads in its layer: a flag, the version, the next address, a delay.
const META: usize = 1 + 3 + ADDRESS + 8;

/// Bytes of a hop's whole layer: what it reads, and the next hop's MAC.
const LAYER: usize = META + SECURITY;

/// Bytes of the routing information: beta.
const ROUTING: usize = LAYER * HOPS;

/// Bytes of a header: alpha, gamma and beta.
pub(crate) const HEADER: usize = ELEMENT + SECURITY + ROUTING;

/// Bytes of a payload that carry no plaintext: zeros before it, and the mark behind it.
pub(crate) const PAYLOAD_OVERHEAD: usize = SECURITY + 1;

/// The one version that is spoken.
const VERSION: u16 = 260;
