//! What a Mixnet's status says, from what was observed and applied.

#![deny(clippy::disallowed_methods)]

mod conditions;
mod invalid;
mod missing;
mod nodes;
mod running;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use mixbed_directory::Document;

use self::conditions::Said;
use self::invalid::invalid;
use self::running::found;
use super::observe::Observed;
use super::{Problem, ValidMixnet};
use crate::api::{MixnetStatus, condition, set_condition};
use crate::apply::Applied;
use crate::controller::events::Notice;

/// What a reconcile has made of a spec. A status is made from this only.
#[derive(Debug)]
pub(crate) enum Made {
    /// Nothing: the spec, or a Secret, cannot be made true. What was made before goes on.
    Invalid(Vec<Problem>),
    /// What could be made was.
    Applied(Box<Running>),
}

/// A Mixnet whose objects were applied.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) valid: ValidMixnet,
    /// The directory's public key.
    pub(crate) authority: String,
    pub(crate) applied: Applied,
    /// The directory's document, if it has given one.
    pub(crate) document: Option<Arc<Document>>,
    pub(crate) parameters: ParametersState,
}

/// Whether the document has the spec's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParametersState {
    /// The directory has not been heard yet.
    Waiting,
    /// It has.
    Same,
    /// They could not be changed.
    Failed(String),
}

/// The status after a reconcile, and what is to be told as events while it is so.
pub(crate) fn status(
    observed: &Observed,
    before: &MixnetStatus,
    made: &Made,
    now: &Time,
) -> (MixnetStatus, BTreeSet<Notice>) {
    let mut status = before.clone();
    let generation = observed.mixnet.metadata.generation;
    status.observed_generation = generation;
    let mut notices = BTreeSet::new();
    let findings = match made {
        Made::Invalid(problems) => invalid(observed, problems, &mut status, &mut notices),
        Made::Applied(running) => found(observed, running, &mut status, &mut notices),
    };
    let Findings { message, conditions } = findings;
    status.message = message;
    for Said(kind, holds, reason, message) in conditions {
        let new = condition(kind, holds, reason, message, generation, now.clone());
        set_condition(&mut status.conditions, new);
    }
    (status, notices)
}

/// What is found of a Mixnet: its status' sentence and conditions.
struct Findings {
    message: String,
    conditions: Vec<Said>,
}
