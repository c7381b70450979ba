//! What a follower believes, without I/O and with the time as an argument.

#![deny(clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::FollowerState;
use crate::clock::ClockOffset;
use crate::document::{Document, DocumentError, SignedDocument, Trust};

/// Keeps the newest good document and judges each that comes: `handle_*` in, then
/// [`FollowerCore::state`] and [`FollowerCore::epoch`]; [`FollowerCore::poll_at`] says when those
/// change by themselves.
#[derive(Debug)]
pub struct FollowerCore {
    trust: Trust,
    tolerated_skew: Duration,
    last: Option<Held>,
    link: Link,
    /// As the directory told the time last.
    told: Option<ClockOffset>,
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
    /// Its time is not now, and the two clocks differ by more than is tolerated.
    #[error(
        "this machine's clock is {offset}, more than the {tolerated:?} that are tolerated: set the clocks ({document})"
    )]
    Clock {
        /// How far this machine's clock is from the directory's.
        offset: ClockOffset,
        /// How far it may be.
        tolerated: Duration,
        /// What is wrong with the document by this machine's clock.
        document: DocumentError,
    },
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
        Self { trust, tolerated_skew, last: None, link, told: None }
    }

    /// Takes a document that was kept from before; the directory has not said anything yet.
    pub fn handle_kept(&mut self, signed: SignedDocument, now: SystemTime) -> Result<(), Refusal> {
        self.accept(signed, now).map(drop)
    }

    /// The directory says that it is `theirs` now. The own clock decides which epoch it is, corrected
    /// by what the directory says as far as that is tolerated; beyond that the follower stops,
    /// whichever of the two is wrong. So whoever lies about the time moves nobody to keys that others
    /// do not use yet.
    pub fn handle_time(&mut self, theirs: SystemTime, now: SystemTime) {
        self.told = Some(ClockOffset::between(now, theirs));
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
        let verified = signed.verify(&self.trust, now, self.tolerated_skew);
        let document = verified.map_err(|error| self.refusal(error))?;
        if let Some(held) = &self.last {
            let (theirs, ours) = (document.version(), held.document.version());
            if theirs < ours {
                return Err(Refusal::Rollback { theirs, ours });
            }
            if theirs == ours {
                if signed.bytes != held.signed.bytes {
                    return Err(Refusal::Forked { version: ours });
                }
                return Ok(false);
            }
        }
        let (document, signed) = (Arc::new(document), Arc::new(signed));
        self.last = Some(Held { document, signed });
        Ok(true)
    }

    fn refusal(&self, document: DocumentError) -> Refusal {
        let tolerated = self.tolerated_skew;
        match (self.skew(), &document) {
            (Some(offset), DocumentError::Expired { .. } | DocumentError::NotYetValid { .. }) => {
                Refusal::Clock { offset, tolerated, document }
            }
            _ => document.into(),
        }
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

    /// How far this machine's clock is from the directory's, as that told the time last.
    #[must_use]
    pub const fn clock(&self) -> Option<ClockOffset> {
        self.told
    }

    /// The same, if it is more than is tolerated.
    fn skew(&self) -> Option<ClockOffset> {
        self.told.filter(|offset| offset.distance > self.tolerated_skew)
    }

    /// How far this machine's clock is taken to be from the directory's: as that told, if it is to
    /// be believed.
    fn offset(&self) -> ClockOffset {
        self.told.filter(|told| told.distance <= self.tolerated_skew).unwrap_or_default()
    }

    /// The epoch whose keys are to be used: that of the newest good document, and when no newer
    /// one comes those after it, by this machine's clock and what is tolerated of the directory's.
    #[must_use]
    pub fn epoch(&self, now: SystemTime) -> Option<u64> {
        let Held { document, .. } = self.last.as_ref()?;
        Some(document.epoch_at(self.offset().directory_time(now)))
    }

    /// How well informed the follower is.
    #[must_use]
    pub fn state(&self, now: SystemTime) -> FollowerState {
        let Some(Held { document, .. }) = &self.last else {
            return match &self.link {
                Link::Down { since, why } => {
                    FollowerState::Connecting { since: *since, last_error: why.clone() }
                }
                Link::Up => FollowerState::Connecting { since: now, last_error: None },
            };
        };
        let due = document.epoch_end;
        let overdue = self.offset().directory_time(now) >= due + self.tolerated_skew;
        let trouble = match &self.link {
            Link::Down { since, why } => {
                let why = why.clone().unwrap_or_else(|| "not connected yet".to_owned());
                Some((*since, why))
            }
            Link::Up if overdue => {
                let epoch = document.epoch;
                let why =
                    format!("epoch {epoch} is over and the directory has no document after it");
                Some((due, why))
            }
            Link::Up => None,
        };
        match (trouble, self.skew()) {
            (Some((_, why)), _) if now >= document.valid_until + self.tolerated_skew => {
                FollowerState::Expired { since: document.valid_until, why }
            }
            (_, Some(offset)) => FollowerState::Skewed { offset, tolerated: self.tolerated_skew },
            (Some((since, why)), None) => FollowerState::Stale { since, why },
            (None, None) => FollowerState::Following,
        }
    }

    /// When the state or the epoch changes next if nothing happens.
    #[must_use]
    pub fn poll_at(&self, now: SystemTime) -> Option<SystemTime> {
        let Held { document, .. } = self.last.as_ref()?;
        let offset = self.offset();
        let turn = document.next_epoch_at(offset.directory_time(now));
        let overdue = document.epoch_end + self.tolerated_skew;
        let times = [turn, Some(overdue)].map(|time| time.map(|time| offset.own_time(time)));
        let expired = document.valid_until + self.tolerated_skew;
        times.into_iter().chain([Some(expired)]).flatten().filter(|time| *time > now).min()
    }
}
