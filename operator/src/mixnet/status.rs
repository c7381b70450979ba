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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::jiff::Timestamp;

    use super::*;
    use crate::api::{Impairment, Mixnet, MixnetSpec, is_true};
    use crate::apply::Ours;
    use crate::controller::facts::{Cached, Facts, ObjectKey};
    use crate::controller::pod::PodFacts;
    use crate::mixnet::{DefaultImages, validate};

    fn mixnet() -> Mixnet {
        let mut mixnet = Mixnet::new("m", MixnetSpec::default());
        mixnet.metadata.namespace = Some("n".to_owned());
        mixnet.metadata.uid = Some("uid".to_owned());
        mixnet.metadata.generation = Some(7);
        mixnet
    }

    fn valid() -> ValidMixnet {
        let images = DefaultImages { mixbed: "x:1".to_owned(), monero: "y:1".to_owned() };
        validate(&mixnet(), &images).expect("a valid spec")
    }

    fn pod(name: &str) -> Arc<Cached> {
        let (kind, namespace) = ("Pod".to_owned(), "n".to_owned());
        Arc::new(Cached {
            key: ObjectKey { kind, namespace, name: name.to_owned() },
            uid: String::new(),
            resource_version: String::new(),
            fingerprint: None,
            mixnet: Some("m".to_owned()),
            broadcast: None,
            controller: None,
            deleting: false,
            facts: Facts::Pod(PodFacts { ready: true, trouble: None }),
        })
    }

    /// With all pods but these.
    fn observed(without: &[&str]) -> Observed {
        let sets = valid().sets();
        let nodes = sets.iter().flat_map(|set| set.pod_names().collect::<Vec<_>>());
        let names = nodes.chain(["m-directory-0".to_owned(), "m-miner-5f-x".to_owned()]);
        let ours = Ours {
            kind: "Mixnet",
            namespace: "n".to_owned(),
            name: "m".to_owned(),
            uid: "uid".to_owned(),
        };
        Observed {
            mixnet: Arc::new(mixnet()),
            ours,
            objects: names
                .filter(|name| !without.contains(&&**name))
                .map(|name| pod(&name))
                .collect(),
            refused: Vec::new(),
        }
    }

    /// Nothing had to be applied, and the directory is silent.
    fn running(parameters: ParametersState) -> Made {
        Made::Applied(Box::new(Running {
            valid: valid(),
            authority: "ab".repeat(32),
            applied: Applied::default(),
            document: None,
            parameters,
        }))
    }

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).expect("a time"))
    }

    /// As it is when the document has listed all.
    fn listed() -> MixnetStatus {
        let (made, nothing) = (running(ParametersState::Same), MixnetStatus::default());
        let (mut status, _) = status(&observed(&[]), &nothing, &made, &at(1));
        assert!(status.nodes.iter().all(|node| node.ready && !node.listed));
        assert_eq!(status.nodes.len(), 10);
        for node in &mut status.nodes {
            node.listed = true;
        }
        status
    }

    fn document(impaired: &str) -> Document {
        let rule = Impairment {
            node: Some(impaired.to_owned()),
            loss: Some("5%".to_owned()),
            ..Impairment::default()
        };
        let start = std::time::UNIX_EPOCH;
        Document {
            network: "m".to_owned(),
            epoch: 3,
            revision: 9,
            valid_from: start,
            epoch_end: start + Duration::from_secs(1),
            valid_until: start + Duration::from_secs(2),
            parameters: crate::api::Parameters::default().in_document(&[rule]).expect("parameters"),
            nodes: Vec::new(),
        }
    }

    #[test]
    fn it_is_not_ready_before_the_directory_is_heard() {
        let status = listed();
        assert!(!is_true(&status.conditions, "Ready"));
        assert!(status.message.contains("m-directory (no document from it yet)"));
    }

    #[test]
    fn what_has_not_changed_is_the_same_status_later() {
        let made = running(ParametersState::Same);
        let (first, _) = status(&observed(&[]), &listed(), &made, &at(2));
        let (second, _) = status(&observed(&[]), &first, &made, &at(3));
        assert_eq!(first, second, "nothing to write");
    }

    #[test]
    fn a_node_that_is_away_is_told_and_the_transition_has_its_time() {
        let made = running(ParametersState::Same);
        let (before, _) = status(&observed(&[]), &listed(), &made, &at(2));
        let (after, _) = status(&observed(&["m-mix-2-1"]), &before, &made, &at(5));
        assert_eq!((&*before.ready, &*after.ready), ("10/10", "9/10"));
        assert!(after.message.contains("m-mix-2-1 (not made yet)"), "{}", after.message);
        assert_eq!(after.observed_generation, Some(7));
        let progressing = after.conditions.iter().find(|known| known.type_ == "Progressing");
        assert!(progressing.is_some_and(|condition| condition.status == "True"));
    }

    #[test]
    fn a_wrong_spec_is_said_and_what_runs_goes_on() {
        let problem = Problem::new("spec.drain", "it is too long", "make it shorter");
        let made = Made::Invalid(vec![problem]);
        let (status, notices) = status(&observed(&["m-mix-1-0"]), &listed(), &made, &at(2));
        assert!(!is_true(&status.conditions, "Valid") && is_true(&status.conditions, "Degraded"));
        assert!(status.message.contains("spec.drain: it is too long"), "{}", status.message);
        assert_eq!(status.nodes.iter().filter(|node| node.ready).count(), 9);
        assert_eq!(notices.len(), 1);
    }

    #[test]
    fn names_that_no_node_has_are_found() {
        assert_eq!(nameless(&document("nobody")), ["nobody"]);
        assert_eq!(nameless(&document("mix-1")), [""; 0], "a layer");
        assert_eq!(nameless(&document("0123456789abcdef")), [""; 0], "perhaps a client");
    }

    #[test]
    fn with_a_document_it_says_the_epoch_and_whom_it_does_not_list() {
        let Made::Applied(mut running) = running(ParametersState::Same) else { return };
        running.document = Some(Arc::new(document("gateway")));
        let made = Made::Applied(running);
        let (status, _) = status(&observed(&[]), &listed(), &made, &at(2));
        assert_eq!((status.epoch, status.impairments), (Some(3), Some(1)));
        assert!(status.message.contains("(not in the document yet)"), "{}", status.message);
        assert!(!is_true(&status.conditions, "Ready"));
    }
}
