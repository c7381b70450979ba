//! What a Mixnet's status says, from what was observed and applied.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use mixbed_directory::Document;
use mixbed_directory::document::impairment::Selector;

use super::observe::Observed;
use super::story::{Missing, story};
use super::{Names, Problem, ValidMixnet};
use crate::api::{
    DIRECTORY_PORT, Endpoints, MINER_PORT, MONEROD_PORT, MixnetStatus, NodeState, condition,
    is_true, set_condition,
};
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
    for (kind, holds, reason, message) in conditions {
        let new = condition(kind, holds, reason, message, generation, now.clone());
        set_condition(&mut status.conditions, new);
    }
    (status, notices)
}

struct Findings {
    message: String,
    /// Kind, whether it holds, reason, message.
    conditions: Vec<(&'static str, bool, &'static str, String)>,
}

fn invalid(
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
    let conditions = vec![
        ("Ready", false, "Invalid", message.clone()),
        ("Valid", false, "Invalid", message.clone()),
        ("Progressing", false, "Invalid", "nothing is changed until the spec is valid".to_owned()),
        ("Degraded", true, "Invalid", message.clone()),
    ];
    Findings { message, conditions }
}

fn found(
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
    let parameters_message = match parameters {
        ParametersState::Waiting => "waits for the directory".to_owned(),
        ParametersState::Failed(why) => format!("the parameters could not be changed: {why}"),
        ParametersState::Same if nameless.is_empty() => "the document has them".to_owned(),
        ParametersState::Same => format!(
            "the document has them, but impairments name no node of it: {}; names are those of the pods",
            nameless.join(", ")
        ),
    };
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

    for refusal in &applied.refusals {
        notices.insert(Notice::warning(refusal.reason, refusal.message.clone()));
    }
    for missing in missing.iter().filter(|missing| missing.lasting) {
        let notice = Notice::warning(&missing.reason, missing.in_full());
        notices.insert(notice.about(&missing.message));
    }
    for name in &nameless {
        let note =
            format!("an impairment names {name}, which is no node: names are those of the pods");
        notices.insert(Notice::warning("ImpairmentNamesNoNode", note));
    }
    if let ParametersState::Failed(_) = parameters {
        notices.insert(Notice::warning("ParametersNotApplied", parameters_message.clone()));
    }
    if whole && !is_true(&status.conditions, "Ready") {
        notices.insert(Notice::normal("Ready", "transactions get through"));
    }

    let reason = |holds, yes, no| if holds { yes } else { no };
    let conditions = vec![
        ("Ready", whole, reason(whole, "Ready", "NotReady"), message.clone()),
        ("Valid", true, "Valid", "the spec can be made true".to_owned()),
        (
            "Progressing",
            progressing,
            reason(progressing, "Progressing", "Settled"),
            if progressing { message.clone() } else { "nothing is being changed".to_owned() },
        ),
        (
            "Degraded",
            stuck || !(whole || progressing),
            reason(stuck || !(whole || progressing), "Degraded", "AsWanted"),
            if whole { "all that is wanted is there".to_owned() } else { message.clone() },
        ),
        (
            "ParametersApplied",
            same,
            match parameters {
                ParametersState::Same if nameless.is_empty() => "Applied",
                ParametersState::Same => "NamesNoNode",
                ParametersState::Waiting => "Waiting",
                ParametersState::Failed(_) => "Failed",
            },
            parameters_message,
        ),
    ];
    Findings { message, conditions }
}

fn nodes(
    observed: &Observed,
    valid: &ValidMixnet,
    document: Option<&Document>,
    before: &[NodeState],
) -> Vec<NodeState> {
    let state = |name: String, role: &str, layer| {
        let ready = observed.pod(&name).is_some_and(|pod| pod.ready);
        let listed = match document {
            Some(document) => document.nodes.iter().any(|node| node.name == name),
            // The directory is away: as it was last told.
            None => before.iter().any(|node| node.name == name && node.listed),
        };
        NodeState { name, role: role.to_owned(), layer, ready, listed }
    };
    let sets = valid.sets();
    let states = sets
        .iter()
        .flat_map(|set| set.pod_names().map(|name| state(name, set.kind.role(), set.kind.layer())));
    states.collect()
}

fn endpoints(observed: &Observed, valid: &ValidMixnet) -> Endpoints {
    let (names, namespace) = (Names(valid.name()), &observed.ours.namespace);
    let url = |service: String, port: u16| format!("http://{service}.{namespace}.svc:{port}");
    let providers = 0..valid.spec.providers.replicas;
    Endpoints {
        directory: url(names.directory(), DIRECTORY_PORT),
        miner: url(names.miner(), MINER_PORT),
        monerods: providers.map(|number| url(names.provider_pod(number), MONEROD_PORT)).collect(),
        jaeger: valid.spec.tracing.jaeger.clone(),
    }
}

/// What is wanted and not there: nodes first, in the order of a packet's way.
fn missing(
    observed: &Observed,
    valid: &ValidMixnet,
    nodes: &[NodeState],
    heard: bool,
) -> Vec<Missing> {
    let names = Names(valid.name());
    let mut missing = Vec::new();
    let directory = format!("{}-0", names.directory());
    let pod = observed.pod(&directory);
    missing.extend(Missing::pod(&directory, pod, observed.refusal(&names.directory()), false));
    let heard = heard || !missing.is_empty();
    if !heard {
        missing.push(Missing::silent(&names.directory()));
    }
    for node in nodes {
        let set = node.name.rsplit_once('-').map_or("", |(set, _)| set);
        let refusal = observed.refusal(set);
        let lacking = Missing::pod(&node.name, observed.pod(&node.name), refusal, true);
        let unlisted = || (!node.listed).then(|| Missing::unlisted(&node.name));
        missing.extend(lacking.or_else(unlisted));
    }
    let miner = names.miner();
    missing.extend(Missing::pod(&miner, observed.miner(), observed.refusal(&miner), false));
    missing
}

/// Names in the document's impairments that no node of it has.
fn nameless(document: &Document) -> Vec<String> {
    let selectors = document
        .parameters
        .impairments
        .iter()
        .flat_map(|rule| rule.links.selectors().chain(rule.only_from.as_ref()));
    let named = selectors.filter_map(|selector| match selector {
        Selector::Named(name) => Some(name),
        _ => None,
    });
    let known = |name: &str| {
        document.nodes.iter().any(|node| node.name == name || node.id().to_string() == name)
    };
    // What looks like an id may be a client's, which no document lists.
    let is_id = |name: &str| name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit());
    let unknown = named.filter(|name| !known(name) && !is_id(name)).cloned();
    unknown.collect::<BTreeSet<_>>().into_iter().collect()
}
