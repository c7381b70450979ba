//! How a node stands with its directory.

use std::time::{Duration, SystemTime};

use crate::client::ClientError;
use crate::document::DescriptorError;
use crate::messages::Reason;

/// How a node stands with its directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarState {
    /// Not on the list yet.
    Connecting {
        /// Since when it tries.
        since: SystemTime,
        /// What went wrong last: the directory is away, or refuses for now.
        last_error: Option<String>,
    },
    /// On the list; renewed in time.
    Registered {
        /// The directory's epoch at the last registration.
        epoch: u64,
    },
    /// It was on the list, but cannot renew, whatever the reason: it stays there until its lease
    /// ends, and tries again.
    Lapsing {
        /// When the lease ends, or ended.
        lease_end: SystemTime,
        /// What is wrong.
        why: String,
    },
    /// The directory never let it in and refuses for good: a configuration has to be changed. The
    /// registrar asks again every half minute, in case it is the directory's.
    Rejected {
        /// The kind of refusal, such as a wrong join secret.
        reason: Reason,
        /// The directory's words.
        message: String,
    },
    /// Off the list, as asked for.
    Unregistered,
}

/// Why a node is not on the list.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum RegistrarError {
    /// The descriptor is out of bounds.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// The descriptor names an identity that the registrar does not sign with.
    #[error("the descriptor is not of the registrar's identity")]
    OtherIdentity,
    /// The directory's address is none, or it failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The directory refuses for good.
    #[error("the directory refuses this node ({reason}): {message}")]
    Rejected {
        /// The kind of refusal.
        reason: Reason,
        /// The directory's words.
        message: String,
    },
    /// Not yet.
    #[error("not registered after {waited:?}: {why}")]
    NotInTime {
        /// How long was waited.
        waited: Duration,
        /// What went wrong last.
        why: String,
    },
    /// It was unregistered before.
    #[error("the node has left the network")]
    Left,
}
