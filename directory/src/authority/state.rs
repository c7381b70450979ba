//! Where an authority keeps what has to outlive it.

use std::fmt;
use std::pin::Pin;

use super::snapshot::Snapshot;
use super::store::StoreError;
use crate::identity::IdentityPublic;

/// The answer of a [`StateStore`], to be waited for.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// A place that outlives an authority: a file ([`Store`](super::Store)), or what else is given as
/// [`AuthorityConfig::state_store`](super::AuthorityConfig::state_store).
///
/// An authority loads once, before anything else, claims if it can go on with that, and then saves
/// before it tells anyone of a
/// change, at most once for each document. It saves again and again while that fails, a second
/// apart, and goes on serving its last saved document meanwhile.
pub trait StateStore: fmt::Debug + Send + Sync {
    /// What and where it is, for errors: `the state in /var/lib/mixbed`.
    fn place(&self) -> String;

    /// The snapshot that was saved last, or nothing in a new place.
    fn load(&self) -> Pending<'_, Option<Snapshot>>;

    /// Nobody else writes there from now on. To do nothing is right where nobody else can.
    fn claim(&self) -> Pending<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Writes a snapshot down, all of it or nothing. When it returns well, a
    /// [`load`](Self::load) after a crash gives this one.
    fn save<'a>(&'a self, snapshot: &'a Snapshot) -> Pending<'a, ()>;
}

/// Why a state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file.
    #[error(transparent)]
    File(#[from] StoreError),
    /// Another place. What goes wrong now may work later.
    #[error("{0}")]
    Failed(String),
    /// Another authority writes there now: this one has to stop, as the two would contradict each
    /// other.
    #[error("{0}")]
    Taken(String),
    /// It is another network's.
    #[error("{place} is of the network {theirs:?}, not of {ours:?}: each network has its own")]
    OtherNetwork {
        /// Which state.
        place: String,
        /// The state's network.
        theirs: String,
        /// The configured network.
        ours: String,
    },
    /// It was signed with another key than the one given.
    #[error(
        "{place} has the signing key of {theirs}, the key given is that of {ours}: give the one that the network has, which its nodes and clients know; or sign with both for a while (sign_with_former_key), and tell them of the new one; or begin another network in a new place"
    )]
    OtherKey {
        /// Which state.
        place: String,
        /// The state's key.
        theirs: IdentityPublic,
        /// That of the key given.
        ours: IdentityPublic,
    },
    /// It is read well, but makes no sense together.
    #[error("{place} is inconsistent: {what}")]
    Inconsistent {
        /// Which state.
        place: String,
        /// What does not fit.
        what: String,
    },
}
