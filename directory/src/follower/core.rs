//! What a follower believes, without I/O and with the time as an argument.

#![deny(clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::FollowerState;
use crate::document::{Document, DocumentError, SignedDocument, Trust};

/// Keeps the newest good document and judges each that comes: `handle_*` in, then
/// [`FollowerCore::state`]; [`FollowerCore::poll_at`] says when that changes by itself.
#[derive(Debug)]
pub struct FollowerCore {
    trust: Trust,
    tolerated_skew: Duration,
    last: Option<Held>,
    link: Link,
}

#[derive(Debug)]
struct Held {
    document: Arc<Document>,
    signed: Arc<SignedDocument>,
}

#[derive(Debug)]
enum Link {
    /// The newest document came over a connection that still stands.
    Up,
    Down {
        since: SystemTime,
        why: Option<String>,
    },
}

/// Why a document from the directory is not taken over.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum Refusal {
    /// It is not to be believed at all.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It is older than the one that is known.
    #[error("the directory serves epoch {}, revision {}, older than the known epoch {}, revision {}: it lost its state, or somebody replays old documents", .theirs.0, .theirs.1, .ours.0, .ours.1)]
    Rollback {
        /// Its epoch and revision.
        theirs: (u64, u64),
        /// Those of the known document.
        ours: (u64, u64),
    },
    /// It has the number of the one that is known, but another content.
    #[error("the directory signed two different documents as epoch {}, revision {}", .version.0, .version.1)]
    Forked {
        /// The epoch and revision of both.
        version: (u64, u64),
    },
}

impl FollowerCore {
    /// Knows no document yet.
    #[must_use]
    pub const fn new(trust: Trust, tolerated_skew: Duration, now: SystemTime) -> Self {
        let link = Link::Down { since: now, why: None };
        Self { trust, tolerated_skew, last: None, link }
    }

    /// Takes a document that was kept from before; the directory has not said anything yet.
    pub fn handle_kept(&mut self, signed: SignedDocument, now: SystemTime) -> Result<(), Refusal> {
        self.accept(signed, now).map(drop)
    }

    /// Takes a document from the directory; says whether it is another than the last one. A
    /// refused one is forgotten and the last good one stays.
    pub fn handle_document(
        &mut self,
        signed: SignedDocument,
        now: SystemTime,
    ) -> Result<bool, Refusal> {
        let outcome = self.accept(signed, now);
        match &outcome {
            Ok(_) => self.link = Link::Up,
            Err(refusal) => self.handle_lost(refusal.to_string(), now),
        }
        outcome
    }

    /// The connection to the directory is gone, or could not be made.
    pub fn handle_lost(&mut self, why: String, now: SystemTime) {
        let since = match self.link {
            Link::Up => now,
            Link::Down { since, .. } => since,
        };
        self.link = Link::Down { since, why: Some(why) };
    }

    fn accept(&mut self, signed: SignedDocument, now: SystemTime) -> Result<bool, Refusal> {
        let document = signed.verify(&self.trust, now, self.tolerated_skew)?;
        if let Some(held) = &self.last {
            let (theirs, ours) = (document.version(), held.document.version());
            if theirs < ours {
                return Err(Refusal::Rollback { theirs, ours });
            }
            if theirs == ours {
                let same = signed.bytes == held.signed.bytes;
                return if same { Ok(false) } else { Err(Refusal::Forked { version: ours }) };
            }
        }
        self.last = Some(Held { document: Arc::new(document), signed: Arc::new(signed) });
        Ok(true)
    }

    /// The newest good document, however old.
    #[must_use]
    pub fn last(&self) -> Option<&Arc<Document>> {
        self.last.as_ref().map(|held| &held.document)
    }

    /// The newest good document as it was signed.
    #[must_use]
    pub fn last_signed(&self) -> Option<&Arc<SignedDocument>> {
        self.last.as_ref().map(|held| &held.signed)
    }

    /// How well informed the follower is.
    #[must_use]
    pub fn state(&self, now: SystemTime) -> FollowerState {
        let Some(document) = self.last() else {
            return match &self.link {
                Link::Down { since, why } => {
                    FollowerState::Connecting { since: *since, last_error: why.clone() }
                }
                Link::Up => FollowerState::Connecting { since: now, last_error: None },
            };
        };
        let due = document.epoch_end;
        let overdue = now >= due + self.tolerated_skew;
        let (since, why) = match &self.link {
            Link::Down { since, why } => {
                let why = why.clone().unwrap_or_else(|| "not connected yet".to_owned());
                (*since, why)
            }
            Link::Up if overdue => {
                let epoch = document.epoch;
                (due, format!("epoch {epoch} is over and the directory has no document after it"))
            }
            Link::Up => return FollowerState::Following,
        };
        if now >= document.valid_until + self.tolerated_skew {
            return FollowerState::Expired { since: document.valid_until, why };
        }
        FollowerState::Stale { since, why }
    }

    /// When the state changes next if nothing happens.
    #[must_use]
    pub fn poll_at(&self, now: SystemTime) -> Option<SystemTime> {
        let document = self.last()?;
        [document.epoch_end, document.valid_until]
            .map(|time| time + self.tolerated_skew)
            .into_iter()
            .find(|time| *time > now)
    }
}
