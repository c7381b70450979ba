//! What a document may hold at most. Whatever comes from the network is held against these first.

use std::time::Duration;

/// How far a clock may be from the authority's, unless somebody says otherwise.
pub const TOLERATED_SKEW: Duration = Duration::from_secs(10);

/// Nodes in a document.
pub const MAX_NODES: usize = 1_000;

/// Bytes of a document: 1,000 usual nodes of 320 bytes are a third of it.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// Bytes of one descriptor: its longest strings and keys add up to less than 2 KiB.
pub const MAX_DESCRIPTOR_BYTES: usize = 2 << 10;

/// Signatures on a document: more authorities than a quorum will ever have.
pub const MAX_SIGNATURES: usize = 32;

/// Admin keys of a directory: each order is compared with them.
pub const MAX_ADMINS: usize = 16;

/// Join secrets of a directory: each registration is tried against them.
pub const MAX_JOIN_SECRETS: usize = 4;

/// Bytes of a gRPC message: a document, its signatures of about 100 bytes each, and their frames.
pub const MAX_MESSAGE_BYTES: usize = MAX_DOCUMENT_BYTES + (8 << 10);

/// How many epochs after its own a document may still be used: that long the directory can be
/// away.
pub const GRACE_EPOCHS: u32 = 3;

/// How many epochs ahead of their own packet keys are published: a document has keys for as long
/// as it may be used.
pub const KEYS_AHEAD: u64 = GRACE_EPOCHS as u64;

/// Packet keys of a node: this epoch's and those ahead. Four are 170 bytes of its descriptor.
pub const MAX_SPHINX_KEYS: usize = 1 + GRACE_EPOCHS as usize;

/// Services of a node.
pub const MAX_SERVICES: usize = 16;

/// Layers of mixes, counted from 1.
pub const LAYERS: u8 = 3;
