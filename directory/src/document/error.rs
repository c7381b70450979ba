//! Why a document is refused.

use std::time::{Duration, SystemTime};

use super::{DescriptorError, ParametersError};
use crate::identity::IdentityPublic;

/// Why a signed document is not to be believed.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum DocumentError {
    /// Nobody signed it but keys that are not trusted.
    #[error(
        "the document is signed by {key}, which is not a trusted authority: is the authority's key in the configuration still its key?"
    )]
    UnknownSigner {
        /// The first of those keys.
        key: IdentityPublic,
    },
    /// A trusted key's signature does not fit the document: it was altered.
    #[error(
        "the signature of authority {key} does not fit the document: it was altered on its way"
    )]
    BadSignature {
        /// The authority's key.
        key: IdentityPublic,
    },
    /// Fewer trusted authorities signed it than are asked for.
    #[error("{have} trusted authorities signed the document, {need} are needed")]
    TooFewSignatures {
        /// Who signed it.
        have: usize,
        /// The threshold.
        need: usize,
    },
    /// It may not be used any more.
    #[error(
        "the document expired {since:?} ago: the directory is behind, or this machine's clock is ahead"
    )]
    Expired {
        /// How long ago.
        since: Duration,
    },
    /// It may not be used yet.
    #[error("the document is valid in {within:?} only: is this machine's clock behind?")]
    NotYetValid {
        /// How far away its time is, and when that is.
        within: Duration,
        /// The document's start.
        valid_from: SystemTime,
    },
    /// The same content in other bytes than the one canonical encoding.
    #[error("the document is not in canonical encoding")]
    NotCanonical,
    /// It is signed and valid, but another network's.
    #[error("the document is of the network {theirs:?}, not of {ours:?}")]
    WrongNetwork {
        /// The document's network.
        theirs: String,
        /// The network that is followed.
        ours: String,
    },
    /// Something in it is out of bounds.
    #[error("the document is malformed: {0}")]
    Malformed(#[from] Malformed),
}

/// What is out of bounds in a document.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum Malformed {
    /// The bytes are no document.
    #[error("its bytes cannot be decoded")]
    Undecodable,
    /// More than 1 MiB.
    #[error("it has {bytes} bytes, more than 1 MiB")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The network's name.
    #[error("a network's name is 1 to 63 of a-z, 0-9 and -")]
    Network,
    /// Epochs and revisions count from 1.
    #[error("its epoch or its revision is 0")]
    Numbers,
    /// Start, epoch's end and expiry come in this order, as whole milliseconds before the year 10,000.
    #[error("its times are out of order or out of range")]
    Times,
    /// More than 1,000 nodes.
    #[error("it has {nodes} nodes, more than 1,000")]
    TooManyNodes {
        /// How many.
        nodes: usize,
    },
    /// Nodes stand in ascending order of their ids, each once.
    #[error("its nodes are not in ascending order of unique ids")]
    Order,
    /// Two nodes share a name or a link key.
    #[error("two of its nodes share a name or a link key")]
    Twice,
    /// A node's descriptor.
    #[error("a node: {0}")]
    Node(#[source] DescriptorError),
    /// A parameter.
    #[error("{0}")]
    Parameters(#[source] ParametersError),
    /// Signatures: none, too many, or several of one authority, or of a wrong length.
    #[error("it has no signatures, too many, or ill-formed ones")]
    Signatures,
}
