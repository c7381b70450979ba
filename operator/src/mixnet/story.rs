//! How a Mixnet is, in one sentence: what users read first.

#![deny(clippy::disallowed_methods)]

use std::fmt::Write as _;

use crate::apply::Applied;
use crate::controller::pod::PodFacts;

/// How many kinds of trouble are told, and how many names of each.
const TOLD: usize = 3;
const NAMED: usize = 3;

/// The longest message that is told here; events have it in full.
const MESSAGE: usize = 160;

/// Something that is wanted and not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// A pod's or workload's name.
    pub(super) name: String,
    /// Why, in a word.
    pub(super) reason: String,
    /// In more words; may be empty.
    pub(super) message: String,
    /// Somebody has to do something.
    pub(super) lasting: bool,
    /// It is one of the nodes.
    node: bool,
}

impl Missing {
    /// A pod that is not ready; nothing if it is. `refusal` is why it was not made, if it was not.
    pub(super) fn pod(
        name: &str,
        pod: Option<&PodFacts>,
        refusal: Option<&str>,
        node: bool,
    ) -> Option<Self> {
        let (reason, message, lasting) = match (pod, refusal) {
            (Some(PodFacts { ready: true, .. }), _) => return None,
            (Some(PodFacts { trouble: Some(trouble), .. }), _) => {
                (trouble.reason.as_str(), trouble.message.as_str(), trouble.lasting)
            }
            (Some(_), _) => ("NotReady", "", false),
            (None, Some(refusal)) => ("FailedCreate", refusal, true),
            (None, None) => ("not made yet", "", false),
        };
        let (name, reason, message) = (name.to_owned(), reason.to_owned(), message.to_owned());
        Some(Self { name, reason, message, lasting, node })
    }

    /// A node that the document does not list.
    pub(super) fn unlisted(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            reason: "not in the document yet".to_owned(),
            message: String::new(),
            lasting: false,
            node: true,
        }
    }

    /// A directory whose pod is ready, and that the operator has not heard.
    pub(super) fn silent(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            reason: "no document from it yet".to_owned(),
            message: String::new(),
            lasting: false,
            node: false,
        }
    }

    pub(super) fn in_full(&self) -> String {
        let Self { name, reason, message, .. } = self;
        if message.is_empty() {
            format!("{name} ({reason})")
        } else {
            format!("{name} ({reason}: {message})")
        }
    }
}

/// The worst first: what users must do something about, then what is waited for.
pub(super) fn story(
    nodes: usize,
    applied: &Applied,
    missing: &[Missing],
    parameters: &str,
    same: bool,
    nameless: &[String],
) -> String {
    let mut parts = Vec::new();
    if let Some(first) = applied.refusals.first() {
        let more = applied.refusals.len() - 1;
        parts.push(if more == 0 {
            first.message.clone()
        } else {
            format!("{} (and {more} more that could not be applied)", first.message)
        });
    }
    if let Some(why) = &applied.unreachable {
        parts.push(format!("the API server does not take what is to be applied: {why}"));
    }
    if !missing.is_empty() {
        parts.push(waiting(nodes, missing));
    }
    if parts.is_empty() && !applied.waiting.is_empty() {
        parts.push(format!("waiting: {}", applied.waiting[0]));
    }
    if parts.is_empty() && !same {
        parts.push(parameters.to_owned());
    }
    if parts.is_empty() {
        return if nameless.is_empty() {
            "ready".to_owned()
        } else {
            format!("ready; impairments name no node: {}", nameless.join(", "))
        };
    }
    parts.join("; ")
}

/// Such as `waiting for 2 of 10 nodes: m-mix-1-0, m-miner (ContainerCreating)`.
fn waiting(nodes: usize, missing: &[Missing]) -> String {
    let mut groups: Vec<Vec<&Missing>> = Vec::new();
    for one in missing {
        let alike = groups
            .iter_mut()
            .find(|group| (&group[0].reason, &group[0].message) == (&one.reason, &one.message));
        match alike {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    // The worst first, otherwise in the order of a packet's way.
    groups.sort_by_key(|group| !group[0].lasting);
    let told: Vec<_> = groups.iter().take(TOLD).map(|group| in_short(group)).collect();
    let mut text = told.join(", ");
    let rest: usize = groups.iter().skip(TOLD).map(Vec::len).sum();
    if rest > 0 {
        let _ = write!(text, ", and {rest} more");
    }
    match missing.iter().filter(|missing| missing.node).count() {
        0 => format!("waiting for {text}"),
        count => format!("waiting for {count} of {nodes} nodes: {text}"),
    }
}

/// Those that miss the same.
fn in_short(group: &[&Missing]) -> String {
    let names: Vec<_> = group.iter().take(NAMED).map(|missing| &*missing.name).collect();
    let mut text = names.join(", ");
    if group.len() > NAMED {
        let _ = write!(text, " and {} more", group.len() - NAMED);
    }
    let Missing { reason, message, .. } = group[0];
    if message.is_empty() {
        let _ = write!(text, " ({reason})");
    } else {
        let mut message: String = message.chars().take(MESSAGE).collect();
        if group[0].message.len() > message.len() {
            message.push('…');
        }
        let _ = write!(text, " ({reason}: {message})");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::{Ours, Refusal};
    use crate::controller::facts::ObjectKey;
    use crate::controller::pod::PodTrouble;

    fn waits(name: &str, reason: &str, message: &str, lasting: bool) -> Missing {
        let trouble =
            PodTrouble { reason: reason.to_owned(), message: message.to_owned(), lasting };
        let pod = PodFacts { ready: false, trouble: Some(trouble) };
        Missing::pod(name, Some(&pod), None, true).expect("it is not ready")
    }

    fn told(applied: &Applied, missing: &[Missing]) -> String {
        story(10, applied, missing, "waits for the directory", false, &[])
    }

    #[test]
    fn what_is_waited_for_is_named_with_its_reason_the_worst_first() {
        let missing = [
            waits("m-gateway-0", "ContainerCreating", "", false),
            waits("m-mix-1-0", "ImagePullBackOff", "not found", true),
        ];
        assert_eq!(
            told(&Applied::default(), &missing),
            "waiting for 2 of 10 nodes: m-mix-1-0 (ImagePullBackOff: not found), m-gateway-0 (ContainerCreating)"
        );
        let many: Vec<_> =
            (0..5).map(|n| waits(&format!("m-mix-1-{n}"), "Pending", "", false)).collect();
        assert_eq!(
            told(&Applied::default(), &many),
            "waiting for 5 of 10 nodes: m-mix-1-0, m-mix-1-1, m-mix-1-2 and 2 more (Pending)"
        );
        let long = [waits("m-gateway-0", "ErrImagePull", &"x".repeat(1000), true)];
        assert!(told(&Applied::default(), &long).len() < 250);
        let miner = Missing::pod("m-miner", None, Some("exceeded quota"), false);
        let miner = miner.expect("it is not there");
        assert_eq!(
            told(&Applied::default(), &[miner]),
            "waiting for m-miner (FailedCreate: exceeded quota)"
        );
    }

    #[test]
    fn a_foreign_object_comes_before_what_is_waited_for() {
        let ours = Ours {
            kind: "Mixnet",
            namespace: "n".to_owned(),
            name: "m".to_owned(),
            uid: "u".to_owned(),
        };
        let key = ObjectKey {
            kind: "Service".to_owned(),
            namespace: ours.namespace,
            name: "m-nodes".to_owned(),
        };
        let applied = Applied { refusals: vec![Refusal::foreign(&key)], ..Applied::default() };
        let text = told(&applied, &[waits("m-mix-1-0", "Pending", "", false)]);
        assert!(text.starts_with("Service m-nodes is not of this operator's making"), "{text}");
        assert!(text.ends_with("waiting for 1 of 10 nodes: m-mix-1-0 (Pending)"), "{text}");
    }

    #[test]
    fn without_anything_missing_the_parameters_are_told_and_then_that_it_is_ready() {
        assert_eq!(told(&Applied::default(), &[]), "waits for the directory");
        let ready = |nameless: &[String]| story(10, &Applied::default(), &[], "", true, nameless);
        assert_eq!(ready(&[]), "ready");
        assert_eq!(ready(&["x".to_owned()]), "ready; impairments name no node: x");
    }
}
