//! What an authority knows of another one.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::timing::{SEND_AGAIN, SILENT, passed};
use super::{Digest, SignedProposal};
use crate::identity::Signature;

/// Another authority, as it said last how it stands.
#[derive(Debug)]
pub(super) struct Peer {
    /// When it was heard last; at first, when it was begun to listen for.
    pub(super) heard: SystemTime,
    pub(super) silent: bool,
    pub(super) version: (u64, u64),
    pub(super) proposal: Option<SignedProposal>,
    pub(super) signature: Option<Signature>,
    pub(super) wants: Vec<Digest>,
    /// What was sent to it, and when.
    sent: BTreeMap<Digest, SystemTime>,
    sent_document: Option<SystemTime>,
    pub(super) clock_is_off: bool,
    /// Since when its opinion is not what the document says.
    pub(super) disagrees: Option<SystemTime>,
    pub(super) disagreement_told: bool,
    budget: Budget,
}

impl Peer {
    pub(super) fn new(now: SystemTime) -> Self {
        Self {
            heard: now,
            silent: false,
            version: (0, 0),
            proposal: None,
            signature: None,
            wants: Vec::new(),
            sent: BTreeMap::new(),
            sent_document: None,
            clock_is_off: false,
            disagrees: None,
            disagreement_told: false,
            budget: Budget::full(now),
        }
    }

    /// Whether one more of its messages is looked at.
    pub(super) fn may_speak(&mut self, now: SystemTime) -> bool {
        self.budget.take(now)
    }

    pub(super) fn is_silent(&self, now: SystemTime) -> bool {
        passed(self.heard, SILENT, now)
    }

    /// Which of the things that it wants are to be sent now; they count as sent.
    pub(super) fn due(&mut self, has: impl Fn(&Digest) -> bool, now: SystemTime) -> Vec<Digest> {
        let wants = &self.wants;
        self.sent.retain(|digest, _| wants.contains(digest));
        let mut due: Vec<_> = wants.iter().copied().filter(has).collect();
        due.retain(|digest| self.sent.get(digest).is_none_or(|at| passed(*at, SEND_AGAIN, now)));
        for digest in &due {
            self.sent.insert(*digest, now);
        }
        due
    }

    /// Whether to send it the newest document now; it counts as sent.
    pub(super) fn is_document_due(&mut self, version: (u64, u64), now: SystemTime) -> bool {
        let due = self.version < version
            && self.sent_document.is_none_or(|at| passed(at, SEND_AGAIN, now));
        if due {
            self.sent_document = Some(now);
        }
        due
    }
}

/// How many messages a peer may send: more than any honest one needs.
#[derive(Debug)]
struct Budget {
    left: u32,
    at: SystemTime,
}

impl Budget {
    const MOST: u32 = 200;
    const EACH: Duration = Duration::from_millis(5);

    const fn full(now: SystemTime) -> Self {
        Self { left: Self::MOST, at: now }
    }

    fn take(&mut self, now: SystemTime) -> bool {
        let Ok(passed) = now.duration_since(self.at) else {
            *self = Self::full(now);
            return self.take(now);
        };
        let more = passed.as_millis() / Self::EACH.as_millis();
        let more = u32::try_from(more).unwrap_or(Self::MOST).min(Self::MOST);
        if more > 0 {
            self.left = (self.left + more).min(Self::MOST);
            self.at = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}
