//! The conditions in which tools read how a Mixnet is.

#![deny(clippy::disallowed_methods)]

use super::ParametersState;

/// A condition: kind, whether it holds, reason, message.
pub(super) struct Said(
    pub(super) &'static str,
    pub(super) bool,
    pub(super) &'static str,
    pub(super) String,
);

/// How a Mixnet is whose objects were applied.
#[derive(Clone, Copy)]
pub(super) struct Verdict {
    /// All that is wanted is there.
    pub(super) whole: bool,
    /// Something is being changed, or comes by itself.
    pub(super) progressing: bool,
    /// Somebody has to do something.
    pub(super) stuck: bool,
}

/// Of a spec that cannot be made true.
pub(super) fn invalid(message: &str) -> Vec<Said> {
    let unchanged = "nothing is changed until the spec is valid";
    vec![
        Said("Ready", false, "Invalid", message.to_owned()),
        Said("Valid", false, "Invalid", message.to_owned()),
        Said("Progressing", false, "Invalid", unchanged.to_owned()),
        Said("Degraded", true, "Invalid", message.to_owned()),
    ]
}

/// Of a Mixnet whose objects were applied. `all_named`: the document's impairments name nodes of it.
pub(super) fn running(
    verdict: Verdict,
    message: &str,
    parameters: &ParametersState,
    parameters_message: String,
    all_named: bool,
) -> Vec<Said> {
    let Verdict { whole, progressing, stuck } = verdict;
    let degraded = stuck || !(whole || progressing);
    let reason = |holds, yes, no| if holds { yes } else { no };
    let applied = match parameters {
        ParametersState::Same if all_named => "Applied",
        ParametersState::Same => "NamesNoNode",
        ParametersState::Waiting => "Waiting",
        ParametersState::Failed(_) => "Failed",
    };
    vec![
        Said("Ready", whole, reason(whole, "Ready", "NotReady"), message.to_owned()),
        Said("Valid", true, "Valid", "the spec can be made true".to_owned()),
        Said(
            "Progressing",
            progressing,
            reason(progressing, "Progressing", "Settled"),
            if progressing { message } else { "nothing is being changed" }.to_owned(),
        ),
        Said(
            "Degraded",
            degraded,
            reason(degraded, "Degraded", "AsWanted"),
            if whole { "all that is wanted is there" } else { message }.to_owned(),
        ),
        Said(
            "ParametersApplied",
            *parameters == ParametersState::Same,
            applied,
            parameters_message,
        ),
    ]
}
