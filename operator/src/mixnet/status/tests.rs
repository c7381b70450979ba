use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::missing::nameless;
use super::*;
use crate::api::{Impairment, Mixnet, MixnetSpec, is_true};
use crate::apply::Ours;
use crate::controller::facts::{Cached, Facts, ObjectKey};
use crate::controller::pod::PodFacts;
use crate::installation::Installation;
use crate::mixnet::{Defaults, validate};

fn mixnet() -> Mixnet {
    let mut mixnet = Mixnet::new("m", MixnetSpec::default());
    mixnet.metadata.namespace = Some("n".to_owned());
    mixnet.metadata.uid = Some("uid".to_owned());
    mixnet.metadata.generation = Some(7);
    mixnet
}

fn valid() -> ValidMixnet {
    let installation = Installation {
        mixbed: "x:1".to_owned(),
        monero: "y:1".to_owned(),
        ..Installation::default()
    };
    let images = Defaults { installation, ..Defaults::default() };
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
        objects: names.filter(|name| !without.contains(&&**name)).map(|name| pod(&name)).collect(),
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
