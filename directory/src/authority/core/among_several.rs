//! The core of one of several authorities: documents come from all of them, and this core says
//! what it would put into them.

#![deny(clippy::disallowed_methods)]

use std::time::SystemTime;

use super::Core;
use crate::authority::epochs::Epochs;
use crate::authority::snapshot::Voted;
use crate::time::whole_millis;
use crate::voting::{Adopted, Opinion};

impl Core {
    /// One of several authorities from now on, or the only one.
    #[must_use]
    pub fn with_voting(mut self, voting: Option<Voted>) -> Self {
        let panel = |voting: &Option<Voted>| voting.as_ref().map(|voted| voted.panel.clone());
        if panel(&self.voting).is_some() != panel(&voting).is_some() {
            // They were signed by others than those who are believed now.
            self.documents.clear();
        }
        self.opinion_due = voting.is_some();
        self.voting = voting;
        self
    }

    /// What it would put into a document, if that is to be told.
    pub fn take_opinion(&mut self) -> Option<Opinion> {
        if !std::mem::take(&mut self.opinion_due) {
            return None;
        }
        let nodes = self.members.iter().map(|member| member.descriptor.clone()).collect();
        Some(Opinion { parameters: self.parameters.clone(), nodes })
    }

    /// Takes a document that several authorities have made. What most of them have ordered holds
    /// here, too. If this one was away meanwhile, nodes get a whole lease to register here again.
    pub fn handle_adopted(&mut self, adopted: &Adopted, now: SystemTime) {
        let now = whole_millis(now);
        let Adopted { issued, voted } = adopted;
        let document = &issued.document;
        self.epochs = Epochs {
            number: document.epoch,
            start: document.valid_from,
            end: document.epoch_end,
            length: document.parameters.epoch_length,
        };
        self.revision = document.revision;
        // What was ordered here and is in no document yet may still get there.
        let before = self.documents.back().map(|before| &before.document.parameters);
        let is_pending = before.is_some_and(|before| *before != self.parameters)
            && (self.reconfigured || self.freshness.has_recent_order(now));
        if self.parameters != document.parameters && !is_pending {
            self.parameters = document.parameters.clone();
            self.note_change(now);
        }
        let epoch = document.epoch;
        self.documents.retain(|old| old.document.epoch != epoch && old.document.valid_until > now);
        self.documents.push_back(issued.clone());
        self.unsaved = true;
        if !voted {
            for node in &document.nodes {
                // One that is known here differently has been here since.
                if self.members.descriptor(node.id()).is_none()
                    && self.admission.check(node).is_ok()
                {
                    let _ = self.members.list(node.clone(), now + self.config.lease, now);
                }
            }
            self.note_change(now);
        }
    }

    /// The others have heard so far of how it votes.
    pub fn set_voted(&mut self, sequence: u64, pledged: (u64, u64)) {
        if let Some(voted) = &mut self.voting
            && (voted.sequence, voted.pledged) != (sequence, pledged)
        {
            (voted.sequence, voted.pledged) = (sequence, pledged);
            self.unsaved = true;
        }
    }

    /// How far it has voted, if it is one of several.
    #[must_use]
    pub const fn voting(&self) -> Option<&Voted> {
        self.voting.as_ref()
    }
}
