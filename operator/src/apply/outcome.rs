//! What comes of objects that are applied.

#![deny(clippy::disallowed_methods)]

use super::refusal::{Answer, Refusal};
use crate::controller::facts::ObjectKey;

/// What has become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Created,
    Changed,
    Deleted,
}

impl Change {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
        }
    }
}

/// That everything was applied, as far as it could be. Nothing else makes one: a status is made
/// from this only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// What was done.
    pub(crate) changes: Vec<(ObjectKey, Change)>,
    /// What could not be done until somebody does something.
    pub(crate) refusals: Vec<Refusal>,
    /// What has to wait until something else is gone, or is to be looked at again.
    pub(crate) waiting: Vec<String>,
    /// Why the rest was not even tried.
    pub(crate) unreachable: Option<String>,
}

/// What came of one object.
pub(super) enum Outcome {
    Unchanged,
    Done(Change),
    Refused(Refusal),
    Waiting(String),
    Unreachable(String),
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Refused(refusal) => Self::Refused(refusal),
            Answer::Changed(why) => Self::Waiting(why),
            Answer::Unreachable(why) => Self::Unreachable(why),
        }
    }
}

impl Applied {
    /// Whether all of it is there as it should be.
    pub(crate) fn is_whole(&self) -> bool {
        self.refusals.is_empty() && self.waiting.is_empty() && self.unreachable.is_none()
    }

    pub(super) fn take(&mut self, key: &ObjectKey, outcome: Outcome) {
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Done(change) => self.changes.push((key.clone(), change)),
            Outcome::Refused(refusal) => self.refusals.push(refusal),
            Outcome::Waiting(why) => self.waiting.push(format!("{key}: {why}")),
            Outcome::Unreachable(why) => self.unreachable = Some(why),
        }
    }
}
