//! Of a Broadcast's objects, steps and status.

use std::fmt::Write as _;

use k8s_openapi::api::batch::v1::{Job, JobCondition, JobSpec, JobStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::{
    Broadcast, BroadcastPhase, BroadcastStatus, Latency, Mixnet, MixnetSpec, Report,
    ReportedTransaction, TransactionState, condition,
};
use crate::child::OnlyIf;
use crate::installation::Installation;
use crate::mixnet::Defaults;

fn at(seconds: i64) -> Time {
    let created = 1_795_388_400;
    Time(k8s_openapi::jiff::Timestamp::from_second(created + seconds).expect("a time"))
}

pub(crate) fn defaults() -> Defaults {
    let installation = Installation {
        mixbed: "localhost/mixbed:1".to_owned(),
        monero: "localhost/mixbed-monero:1".to_owned(),
        repositories: vec!["registry.example/mixbed".to_owned()],
        ..Installation::default()
    };
    Defaults { installation, ..Defaults::default() }
}

fn broadcast(change: &str) -> Broadcast {
    let mut spec = serde_json::json!({ "mixnet": "demo", "transactions": 3, "deadline": "5m" });
    let change: serde_json::Value = serde_json::from_str(change).expect("JSON");
    for (key, value) in change.as_object().expect("an object") {
        spec[key] = value.clone();
    }
    let mut broadcast = Broadcast::new("first", serde_json::from_value(spec).expect("a spec"));
    broadcast.metadata.namespace = Some("space".to_owned());
    broadcast.metadata.uid = Some("4-5-6".to_owned());
    broadcast.metadata.generation = Some(1);
    broadcast.metadata.creation_timestamp = Some(at(0));
    broadcast
}

fn mixnet(ready: bool) -> Mixnet {
    let mut mixnet = Mixnet::new("demo", MixnetSpec::default());
    mixnet.metadata.namespace = Some("space".to_owned());
    mixnet.metadata.uid = Some("1-2-3".to_owned());
    mixnet.status = Some(crate::api::MixnetStatus {
        ready: if ready { "10/10" } else { "8/10" }.to_owned(),
        authority_key: Some("ab".repeat(32)),
        conditions: vec![condition("Ready", ready, "Because", "so", Some(1), at(0))],
        ..Default::default()
    });
    mixnet
}

fn job(active: i32, ended: Option<(&str, &str, Time)>) -> Job {
    let conditions = ended.map(|(kind, reason, time)| {
        vec![JobCondition {
            type_: kind.to_owned(),
            status: "True".to_owned(),
            reason: Some(reason.to_owned()),
            message: Some("as Kubernetes says".to_owned()),
            last_transition_time: Some(time),
            ..JobCondition::default()
        }]
    });
    Job {
        spec: Some(JobSpec::default()),
        status: Some(JobStatus {
            active: Some(active),
            start_time: Some(at(5)),
            conditions,
            ..JobStatus::default()
        }),
        ..Job::default()
    }
}

fn report(phase: BroadcastPhase, states: &[TransactionState]) -> Report {
    let transactions = (1..).zip(states).map(|(number, state)| ReportedTransaction {
        number,
        txid: format!("{number:064x}"),
        state: *state,
        latency_ms: (*state == TransactionState::Mined).then_some(400),
        reason: (*state == TransactionState::Failed).then(|| "not mined".to_owned()),
        ..ReportedTransaction::default()
    });
    Report {
        phase,
        message: "3 submitted; the mixnet is not reached yet".to_owned(),
        wanted: 3,
        latency: Some(Latency { p50_ms: 400, p95_ms: 1234, max_ms: 2000 }),
        transactions: transactions.collect(),
        reason: None,
    }
}

/// All objects of a Broadcast on a Mixnet that is ready.
pub(crate) fn built(broadcast: &Broadcast) -> Vec<crate::child::Child> {
    let mut broadcast = broadcast.clone();
    broadcast.metadata.creation_timestamp = Some(at(0));
    build(&validate(&broadcast, &mixnet(true), &defaults()).expect("valid"))
}

struct Scene {
    broadcast: Broadcast,
    mixnet: Option<Mixnet>,
    job: Option<Job>,
    report: Option<Report>,
    troubles: Vec<String>,
}

impl Scene {
    fn new(change: &str, mixnet: Option<Mixnet>) -> Self {
        let broadcast = broadcast(change);
        Self { broadcast, mixnet, job: None, report: None, troubles: Vec::new() }
    }

    fn observed(&self) -> Observed<'_> {
        Observed {
            broadcast: &self.broadcast,
            mixnet: self.mixnet.as_ref(),
            job: self.job.as_ref(),
            report: self.report.as_ref(),
            troubles: &self.troubles,
        }
    }

    fn status(&self, seconds: i64) -> BroadcastStatus {
        status(self.observed(), &at(seconds))
    }

    fn step(&self, seconds: i64) -> Step {
        step(self.observed(), &defaults(), &at(seconds))
    }
}

fn reason(status: &BroadcastStatus, kind: &str) -> (String, String) {
    let found = status.conditions.iter().find(|condition| condition.type_ == kind);
    let found = found.expect("the condition");
    (found.status.clone(), found.reason.clone())
}

const RUNNING: [TransactionState; 3] =
    [TransactionState::Mined, TransactionState::Mined, TransactionState::Accepted];

#[test]
fn it_waits_for_its_mixnet_until_the_deadline() {
    let nowhere = Scene::new("{}", None);
    let status = nowhere.status(10);
    assert_eq!(status.phase, BroadcastPhase::Pending);
    assert_eq!(status.message, "waiting for Mixnet demo: there is none in this namespace");
    assert_eq!(nowhere.step(10), Step::Leave);
    assert_eq!(look_again(nowhere.observed(), &at(10)), Some(at(300)));
    let status = nowhere.status(300);
    assert_eq!(status.phase, BroadcastPhase::Failed);
    assert_eq!(reason(&status, "Failed"), ("True".to_owned(), "MixnetNotFound".to_owned()));
    assert_eq!(status.failed, 3);
    assert_eq!(status.reasons[0].count, 3);

    let slow = Scene::new("{}", Some(mixnet(false)));
    assert_eq!(slow.status(10).message, "waiting for Mixnet demo: 8/10 nodes ready");
    assert_eq!(slow.step(10), Step::Leave);
    assert_eq!(reason(&slow.status(300), "Failed").1, "DeadlineExceeded");

    let ready = Scene::new("{}", Some(mixnet(true)));
    assert!(matches!(ready.step(10), Step::Make(_)));
    assert_eq!(ready.step(300), Step::Leave, "too late");
}

#[test]
fn it_tells_a_story_while_it_runs() {
    let mut scene = Scene::new("{}", Some(mixnet(true)));
    scene.job = Some(job(1, None));
    scene.troubles = vec!["ImagePullBackOff".to_owned()];
    assert_eq!(scene.status(10).message, "starting its pod; its pod: ImagePullBackOff");
    assert_eq!(scene.step(10), Step::Leave);
    scene.troubles.clear();
    scene.report = Some(report(BroadcastPhase::Mining, &RUNNING));
    let status = scene.status(10);
    assert_eq!(status.message, "2 of 3 mined, p95 1.2 s; the mixnet is not reached yet");
    assert_eq!((status.submitted, status.accepted, status.mined, status.failed), (3, 3, 2, 0));
    assert_eq!(status.started_at, Some(at(5)));
    assert_eq!(reason(&status, "Complete"), ("False".to_owned(), "Mining".to_owned()));
    assert_eq!(look_again(scene.observed(), &at(10)), None, "its pod keeps the deadline");
}

#[test]
fn what_is_over_stays_as_it_is() {
    let mut scene = Scene::new("{}", Some(mixnet(true)));
    scene.job = Some(job(0, Some(("Complete", "", at(60)))));
    scene.report = Some(report(BroadcastPhase::Succeeded, &[TransactionState::Mined; 3]));
    let done = scene.status(60);
    assert_eq!(
        (done.phase, done.message.as_str()),
        (BroadcastPhase::Succeeded, "3 of 3 mined, p95 1.2 s")
    );
    assert_eq!(reason(&done, "Complete"), ("True".to_owned(), "AllMined".to_owned()));
    assert_eq!(done.finished_at, Some(at(60)));
    scene.broadcast.status = Some(done.clone());
    (scene.job, scene.report, scene.mixnet) = (None, None, None);
    assert_eq!(scene.status(100_000), done);
    assert_eq!(scene.step(100_000), Step::Leave);
    scene.mixnet = Some(mixnet(true));
    assert_eq!(scene.step(61), Step::Leave, "a Job that was removed is not made again");
}

#[test]
fn a_failed_run_says_why() {
    let mut scene = Scene::new("{}", Some(mixnet(true)));
    let mut failed =
        report(BroadcastPhase::Failed, &[TransactionState::Mined, TransactionState::Failed]);
    failed.reason = Some("DeadlineExceeded".to_owned());
    failed.message = "deadline of 5m passed, 2 not mined".to_owned();
    scene.report = Some(failed);
    scene.job = Some(job(1, None));
    let status = scene.status(301);
    assert_eq!(status.message, "failed: deadline of 5m passed, 2 not mined");
    assert_eq!(reason(&status, "Failed"), ("True".to_owned(), "DeadlineExceeded".to_owned()));
    assert_eq!((status.mined, status.failed), (1, 2));
    let reasons: Vec<_> = status.reasons.iter().map(|r| (r.reason.as_str(), r.count)).collect();
    assert_eq!(reasons, [("not mined", 1), ("not sent before the end", 1)]);
}

#[test]
fn a_job_that_failed_without_a_report_is_told_after_a_moment() {
    let mut scene = Scene::new("{}", Some(mixnet(true)));
    scene.job = Some(job(0, Some(("Failed", "BackoffLimitExceeded", at(60)))));
    scene.report = Some(report(BroadcastPhase::Mining, &RUNNING));
    assert_eq!(scene.status(61).phase, BroadcastPhase::Mining, "the last report may come");
    assert_eq!(look_again(scene.observed(), &at(61)), Some(at(70)));
    let status = scene.status(70);
    assert_eq!(reason(&status, "Failed"), ("True".to_owned(), "PodFailed".to_owned()));
    assert!(status.message.contains("kubectl logs job/first"), "{}", status.message);
    assert_eq!(status.failed, 1);
}

#[test]
fn cancelling_marks_the_report_before_the_pod_is_stopped() {
    let never = Scene::new(r#"{"cancelled": true}"#, Some(mixnet(true)));
    assert_eq!(never.step(10), Step::Leave);
    assert_eq!(never.status(10).message, "cancelled: nothing was sent");

    let mut scene = Scene::new(r#"{"cancelled": true}"#, Some(mixnet(true)));
    scene.job = Some(job(1, None));
    scene.report = Some(report(BroadcastPhase::Running, &RUNNING));
    let Step::Cancel { children, job: patch } = scene.step(10) else { panic!("not cancelled") };
    assert_eq!(children[0].name(), "first-report-4-5-6");
    let mark = &children[0].object.metadata.annotations;
    assert_eq!(
        mark.as_ref().and_then(|all| all.get(CANCELLED_ANNOTATION)).map(String::as_str),
        Some("true")
    );
    assert_eq!(patch["spec"]["suspend"], true);
    assert_eq!(scene.status(10).phase, BroadcastPhase::Running);

    let mut suspended = job(1, None);
    suspended.spec = Some(JobSpec { suspend: Some(true), ..JobSpec::default() });
    scene.job = Some(suspended.clone());
    assert_eq!(scene.step(11), Step::Leave);
    assert_eq!(scene.status(11).phase, BroadcastPhase::Running, "its pod still writes");
    suspended.status = Some(JobStatus::default());
    scene.job = Some(suspended);
    let status = scene.status(12);
    assert_eq!(status.phase, BroadcastPhase::Cancelled);
    assert_eq!(reason(&status, "Failed"), ("True".to_owned(), "Cancelled".to_owned()));
    assert_eq!(status.failed, 0);
}

#[test]
fn the_newest_are_shown_and_the_most_frequent_reasons() {
    let mut scene = Scene::new(r#"{"transactions": 60}"#, None);
    let mut many = report(BroadcastPhase::Running, &[TransactionState::Failed; 60]);
    for (number, one) in (0..).zip(&mut many.transactions) {
        one.reason = Some(format!("reason {}", if number < 30 { 0 } else { number }));
    }
    scene.report = Some(many);
    scene.job = Some(job(1, None));
    let status = scene.status(10);
    assert_eq!(status.transactions.len(), 50);
    assert_eq!(status.transactions[0].number, 11);
    assert_eq!((status.reasons.len(), status.reasons[0].count), (10, 30));
}

#[test]
fn objects_are_as_in_the_golden_files() {
    let plain = "{}";
    let rich = r#"{"transactions": 1000, "rate": "20/s", "deadline": "1h30m", "traced": false,
        "resources": {"limits": {"memory": "1Gi"}}}"#;
    let hidden = r#"{"wallet": {"through": "mixnet"}}"#;
    for (name, spec) in
        [("broadcast-plain", plain), ("broadcast-rich", rich), ("broadcast-hidden", hidden)]
    {
        let mut net = mixnet(true);
        if name == "broadcast-rich" {
            net.spec.tracing.otlp = Some("http://jaeger:4317".to_owned());
            net.spec.providers.replicas = 1;
            net.spec.images.mixbed = Some("registry.example/mixbed:2".to_owned());
            net.spec.scheduling.node_selector = [("disk".to_owned(), "fast".to_owned())].into();
        }
        let valid = validate(&broadcast(spec), &net, &defaults()).expect("valid");
        let children = build(&valid);
        let last = children.last().expect("a Job");
        assert_eq!((last.kind(), &last.only_if), ("Job", &OnlyIf::Absent));
        let text = children.iter().fold(String::new(), |mut text, child| {
            let yaml = serde_yaml::to_string(&child.object).expect("YAML");
            let _ = write!(text, "---\n{yaml}");
            text
        });
        let path = format!("{}/tests/golden/{name}.objects.yaml", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{path} is not what is built: UPDATE=1 cargo test");
    }
}

/// Names that a user chooses choose no account, no object that a role is about, and no secret: a
/// Broadcast that is named like the operator's account gets its own, as does one that is named so
/// that its objects would be called as a Mixnet's are.
#[test]
fn no_name_chooses_an_account_or_what_it_may_read() {
    for name in ["mixbed-operator", "default", "demo-directory", "demo-directory-state", "demo"] {
        let mut chosen = broadcast("{}");
        chosen.metadata.name = Some(name.to_owned());
        let children = built(&chosen);
        let text = |child: &crate::child::Child, place: &str| {
            let found = child.object.data.pointer(place).and_then(serde_json::Value::as_str);
            found.unwrap_or_else(|| panic!("{} has {place}", child.kind())).to_owned()
        };
        let its_own = |what: &str| assert!(what.ends_with("-4-5-6"), "{what}");
        for child in &children {
            match child.kind() {
                "Job" => its_own(&text(child, "/spec/template/spec/serviceAccountName")),
                "RoleBinding" => {
                    its_own(&text(child, "/roleRef/name"));
                    its_own(&text(child, "/subjects/0/name"));
                    its_own(child.name());
                }
                "Role" => {
                    for rule in child.object.data["rules"].as_array().expect("rules") {
                        let named = rule["resourceNames"].as_array().expect("names");
                        assert_eq!(named.len(), 1, "a rule without names would be for all");
                        its_own(named[0].as_str().expect("a name"));
                    }
                    its_own(child.name());
                }
                _ => its_own(child.name()),
            }
        }
        assert_eq!(children.len(), 6, "report, run, account, role, binding, Job");
    }
}

/// The images are those that its operator may run, whatever its Mixnet has said since it was ready.
#[test]
fn an_image_that_the_operator_may_not_run_is_waited_for() {
    let mut scene = Scene::new("{}", Some(mixnet(true)));
    assert!(matches!(scene.step(10), Step::Make(_)));
    let mut changed = mixnet(true);
    changed.spec.images.monero = Some("evil.example/monero:1".to_owned());
    scene.mixnet = Some(changed);
    assert_eq!(scene.step(10), Step::Leave);
}

/// The token is in the container that writes the report, and not beside the wallet.
#[test]
fn only_the_container_that_writes_has_the_token() {
    let children = built(&broadcast("{}"));
    let pod = &children.last().expect("a Job").object.data["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    let with_token = |container: &serde_json::Value| {
        container["volumeMounts"].as_array().into_iter().flatten().any(|mount| {
            mount["mountPath"].as_str().is_some_and(|path| path.contains("kubernetes.io"))
        })
    };
    assert!(with_token(&pod["containers"][0]));
    let beside = pod["initContainers"].as_array().expect("a wallet");
    assert!(!beside.iter().any(with_token), "the wallet's image, and what brings its launcher");
}

/// The pod whose wallet goes through the mixnet is told of no monerod at all.
#[test]
fn a_wallet_that_goes_through_the_mixnet_knows_no_monerod() {
    let job = |spec: &str| {
        let valid = validate(&broadcast(spec), &mixnet(true), &defaults()).expect("valid");
        let children = build(&valid);
        serde_json::to_value(&children.last().expect("a Job").object).expect("JSON")
    };
    let label = "/spec/template/metadata/labels/mixbed.dev~1wallet";
    let hidden = job(r#"{"wallet": {"through": "mixnet"}}"#);
    let text = hidden.to_string();
    assert!(!text.contains("demo-provider") && !text.contains(":18081"), "{text}");
    assert!(text.contains("--daemon-address=127.0.0.1:18089"), "{text}");
    assert!(text.contains("--monero-rpc=127.0.0.1:18089"), "{text}");
    assert_eq!(hidden.pointer(label).and_then(serde_json::Value::as_str), Some("mixnet"));
    let plain = job("{}");
    assert!(plain.to_string().contains("--daemon-address=demo-provider-0:18081"));
    assert_eq!(plain.pointer(label), None);
}
