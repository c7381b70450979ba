//! The status of a Mixnet whose spec cannot be made true.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Findings, conditions};
use crate::api::MixnetStatus;
use crate::controller::events::Notice;
use crate::mixnet::Problem;
use crate::mixnet::observe::Observed;

/// The spec is wrong: what was made before goes on.
pub(super) fn invalid(
    observed: &Observed,
    problems: &[Problem],
    status: &mut MixnetStatus,
    notices: &mut BTreeSet<Notice>,
) -> Findings {
    let mut message = String::from("the spec cannot be made true: ");
    let shown: Vec<_> = problems.iter().take(3).map(ToString::to_string).collect();
    message.push_str(&shown.join("; "));
    if problems.len() > shown.len() {
        let _ = write!(message, "; and {} more", problems.len() - shown.len());
    }
    for problem in problems {
        notices.insert(Notice::warning("Invalid", problem.to_string()));
    }
    for node in &mut status.nodes {
        node.ready = observed.pod(&node.name).is_some_and(|pod| pod.ready);
    }
    let conditions = conditions::invalid(&message);
    Findings { message, conditions }
}
