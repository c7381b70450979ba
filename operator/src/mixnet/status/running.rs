//! The status of a Mixnet whose objects were applied.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeSet;

use super::conditions::{self, Verdict};
use super::missing::{missing, nameless};
use super::nodes::{endpoints, nodes};
use super::{Findings, ParametersState, Running};
use crate::api::{MixnetStatus, is_true};
use crate::controller::events::Notice;
use crate::mixnet::observe::Observed;
use crate::mixnet::story::{Missing, story};

/// Fills in what is there of it, and says what is not.
pub(super) fn found(
    observed: &Observed,
    running: &Running,
    status: &mut MixnetStatus,
    notices: &mut BTreeSet<Notice>,
) -> Findings {
    let Running { valid, authority, applied, document, parameters } = running;
    status.nodes = nodes(observed, valid, document.as_deref(), &status.nodes);
    let ready = status.nodes.iter().filter(|node| node.ready).count();
    status.ready = format!("{ready}/{}", status.nodes.len());
    valid.name().clone_into(&mut status.network);
    status.authority_key = Some(authority.clone());
    status.endpoints = endpoints(observed, valid);
    if let Some(document) = document {
        status.epoch = Some(document.epoch);
        status.impairments = u32::try_from(document.parameters.impairments.len()).ok();
    }

    let missing = missing(observed, valid, &status.nodes, document.is_some());
    let nameless = document.as_deref().map(nameless).unwrap_or_default();
    let progressing = !applied.changes.is_empty()
        || !applied.waiting.is_empty()
        || !observed.settled()
        || missing.iter().any(|missing| !missing.lasting)
        || *parameters == ParametersState::Waiting;
    let parameters_message = of_parameters(parameters, &nameless);
    let same = *parameters == ParametersState::Same;
    let whole = same
        && missing.is_empty()
        && applied.refusals.is_empty()
        && applied.unreachable.is_none()
        && applied.waiting.is_empty();
    let message =
        story(status.nodes.len(), applied, &missing, &parameters_message, same, &nameless);
    let stuck = !applied.refusals.is_empty()
        || applied.unreachable.is_some()
        || missing.iter().any(|missing| missing.lasting)
        || matches!(parameters, ParametersState::Failed(_));

    notices.extend(warnings(running, &missing, &nameless, &parameters_message));
    if whole && !is_true(&status.conditions, "Ready") {
        notices.insert(Notice::normal("Ready", "transactions get through"));
    }

    let verdict = Verdict { whole, progressing, stuck };
    let all_named = nameless.is_empty();
    let conditions =
        conditions::running(verdict, &message, parameters, parameters_message, all_named);
    Findings { message, conditions }
}

/// What the message about the parameters is.
fn of_parameters(parameters: &ParametersState, nameless: &[String]) -> String {
    match parameters {
        ParametersState::Waiting => "waits for the directory".to_owned(),
        ParametersState::Failed(why) => format!("the parameters could not be changed: {why}"),
        ParametersState::Same if nameless.is_empty() => "the document has them".to_owned(),
        ParametersState::Same => format!(
            "the document has them, but impairments name no node of it: {}; names are those of the pods",
            nameless.join(", ")
        ),
    }
}

/// What is to be told as events, as somebody has to do something about it.
fn warnings(
    running: &Running,
    missing: &[Missing],
    nameless: &[String],
    parameters_message: &str,
) -> BTreeSet<Notice> {
    let mut notices = BTreeSet::new();
    for refusal in &running.applied.refusals {
        notices.insert(Notice::warning(refusal.reason, refusal.message.clone()));
    }
    for missing in missing.iter().filter(|missing| missing.lasting) {
        let notice = Notice::warning(&missing.reason, missing.in_full());
        notices.insert(notice.about(&missing.message));
    }
    for name in nameless {
        let note =
            format!("an impairment names {name}, which is no node: names are those of the pods");
        notices.insert(Notice::warning("ImpairmentNamesNoNode", note));
    }
    if let ParametersState::Failed(_) = running.parameters {
        notices.insert(Notice::warning("ParametersNotApplied", parameters_message.to_owned()));
    }
    notices
}
