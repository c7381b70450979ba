use std::collections::BTreeSet;

use serde_json::Value;

use crate::{objects, pod, spec};

const NODES: [&str; 5] = ["net-gateway", "net-mix-1", "net-mix-2", "net-mix-3", "net-provider"];
const ALL: [&str; 7] = [
    "net-directory",
    "net-gateway",
    "net-miner",
    "net-mix-1",
    "net-mix-2",
    "net-mix-3",
    "net-provider",
];

/// Whose pods are made anew when one spec becomes the other: those whose templates differ.
fn restarted(before: &str, after: &str) -> BTreeSet<String> {
    let templates = |yaml: &str| -> Vec<(String, Value)> {
        let children = objects(spec(yaml)).into_iter();
        let made = children.filter(|child| pod(child).is_some());
        made.map(|child| (child.name().to_owned(), child.object.data["spec"]["template"].clone()))
            .collect()
    };
    let before = templates(before);
    let after = templates(after);
    assert_eq!(before.len(), after.len());
    let pairs = before.into_iter().zip(after).filter(|(before, after)| before != after);
    pairs.map(|(before, _)| before.0).collect()
}

#[track_caller]
fn restarts(before: &str, after: &str, wanted: &[&str]) {
    let wanted: BTreeSet<_> = wanted.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(restarted(before, after), wanted, "from {before} to {after}");
    assert_eq!(restarted(after, before), wanted, "from {after} to {before}");
}

#[test]
fn what_all_follow_restarts_nothing() {
    for after in [
        "{parameters: {meanHopDelay: 1s, epochLength: 1h, tracingAllowed: false, rates: {drop: 1}}}",
        "{impairments: [{from: gateway, loss: 5%}]}",
        "{networkPolicies: false}",
        "{tracing: {jaeger: 'http://jaeger:16686'}}",
    ] {
        restarts("{}", after, &[]);
    }
}

#[test]
fn more_or_fewer_restart_none_of_those_that_stay() {
    restarts("{}", "{gateways: {replicas: 5}}", &[]);
    restarts("{}", "{mixes: {perLayer: 9}}", &[]);
    // The miner has to know all monerods.
    restarts("{}", "{providers: {replicas: 3}}", &["net-miner"]);
    restarts("{}", "{providers: {replicas: 1}}", &["net-miner"]);
}

#[test]
fn a_change_restarts_those_that_it_is_about() {
    restarts("{}", "{directory: {lease: 30s}}", &["net-directory"]);
    restarts("{}", "{providers: {blockTime: 5s}}", &["net-miner"]);
    restarts("{}", "{drain: 20s}", &NODES);
    restarts("{}", "{tracing: {otlp: 'http://jaeger:4317'}}", &NODES);
    restarts("{}", "{images: {mixbed: 'mixbed:2'}}", &ALL);
    restarts("{}", "{images: {monero: 'monero:2'}}", &["net-provider"]);
    restarts("{}", "{images: {pullPolicy: Always}}", &ALL);
    restarts("{}", "{scheduling: {spreadOver: topology.kubernetes.io/zone}}", &ALL);
    let mixes = ["net-mix-1", "net-mix-2", "net-mix-3"];
    restarts("{}", "{mixes: {resources: {requests: {cpu: 1}}}}", &mixes);
    restarts("{}", "{gateways: {scheduling: {nodeSelector: {a: b}}}}", &["net-gateway"]);
    restarts("{}", "{miner: {resources: {requests: {cpu: 1}}}}", &["net-miner"]);
    for pods in [
        "user: 5",
        "anyUser: true",
        "labels: {a: b}",
        "annotations: {a: b}",
        "priorityClassName: high",
    ] {
        restarts("{}", &format!("{{pods: {{{pods}}}}}"), &ALL);
    }
    restarts("{}", "{pods: {imagePullSecrets: [{name: r}]}}", &ALL);
    // A least that all have anyway changes nothing; a limit that they do not have does.
    restarts("{}", "{pods: {atLeast: {requests: {cpu: 1m}}}}", &[]);
    restarts("{}", "{pods: {atLeast: {limits: {cpu: 2}}}}", &ALL);
    let monerod = "{providers: {monerod: {resources: {limits: {memory: 1Gi}}}}}";
    restarts("{}", monerod, &["net-provider"]);
}
