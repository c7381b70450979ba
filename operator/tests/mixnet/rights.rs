//! What each pod holds and may do, as a table that is compared with what is built: `UPDATE=1` writes it.

use std::fmt::Write as _;
use std::path::PathBuf;

use k8s_openapi::api::core::v1::{Container, PodSpec, Secret};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use mixbed_operator::api::{Broadcast, Mixnet, condition};
use mixbed_operator::broadcast;
use mixbed_operator::child::Child;
use mixbed_operator::mixnet::Defaults;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::{containers, installation, objects, pod, spec};

const PATH: &str = "docs/kubernetes/rights.md";

const ABOUT: &str = "\
# Who holds what

This page is written by a test, which compares it with what is built. `net` is a Mixnet with three
providers, `first` a Broadcast on it. `UID` stands for the uid of the Mixnet or Broadcast: names that
users choose never choose an account, an object that a role is about, or a secret.

A container holds the entries of Secrets below and no others. \"Token\" says whose account's token it has,
and what the API server lets that account do. What no line names, no pod may do.

## Pods of a Mixnet and of its Broadcasts

| pod | container | Secrets' entries | token |
|---|---|---|---|
";

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// All objects of a Broadcast with this spec.
fn of_broadcast(more: &Value) -> Vec<Child> {
    let mut spec = json!({ "mixnet": "net", "transactions": 1 });
    spec.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let now = || Time("2026-11-01T00:00:00Z".parse().expect("a time"));
    let mut run = Broadcast::new("first", serde_json::from_value(spec).expect("a spec"));
    run.metadata.namespace = Some("space".to_owned());
    run.metadata.uid = Some("00000000-0000-0000-0000-000000000001".to_owned());
    run.metadata.creation_timestamp = Some(now());
    let mut mixnet = Mixnet::new("net", mixbed_operator::api::MixnetSpec::default());
    mixnet.status = Some(mixbed_operator::api::MixnetStatus {
        authority_key: Some("ab".repeat(32)),
        conditions: vec![condition("Ready", true, "Ready", "ready", Some(1), now())],
        ..Default::default()
    });
    let installation = installation();
    let defaults = Defaults { installation, ..Defaults::default() };
    let valid = broadcast::validate(&run, &mixnet, &defaults).expect("valid");
    broadcast::build(&valid)
}

/// The pod of a Job has no number of replicas.
fn template(child: &Child) -> Option<PodSpec> {
    if child.kind() == "Job" {
        let pod = child.object.data.pointer("/spec/template/spec")?.clone();
        return serde_json::from_value(pod).ok();
    }
    Some(pod(child)?.0)
}

fn typed<K: serde::de::DeserializeOwned>(child: &Child) -> K {
    let object = serde_json::to_value(&child.object).expect("JSON");
    serde_json::from_value(object).expect("its type")
}

/// Which entries of Secrets a container has, each as `Secret: entry`.
fn entries(pod: &PodSpec, container: &Container, children: &[Child]) -> Vec<String> {
    assert!(container.env_from.is_none(), "none are variables");
    let from_secret = |variable: &k8s_openapi::api::core::v1::EnvVar| {
        variable.value_from.as_ref().is_some_and(|from| from.secret_key_ref.is_some())
    };
    assert!(!container.env.iter().flatten().any(from_secret), "none are variables");
    let mut found = Vec::new();
    for mount in container.volume_mounts.iter().flatten() {
        let mut volumes = pod.volumes.iter().flatten();
        let Some(volume) = volumes.find(|volume| volume.name == mount.name) else { continue };
        let Some(secret) = volume.secret.as_ref().and_then(|secret| secret.secret_name.clone())
        else {
            continue;
        };
        let built = children.iter().find(|c| c.kind() == "Secret" && c.name() == secret);
        let built: Secret = typed(built.expect("the Secret is built"));
        if let Some(entry) = &mount.sub_path_expr {
            found.push(format!("`{secret}`: its own, `{entry}`"));
        } else {
            let all = built.data.iter().flatten();
            found.extend(all.map(|(name, _)| format!("`{secret}`: `{name}`")));
        }
    }
    found
}

/// What an account may do, from the bindings and roles that are built.
fn rights(account: &str, children: &[Child]) -> Vec<String> {
    let bindings = children.iter().filter(|child| child.kind() == "RoleBinding");
    let mut found = Vec::new();
    for binding in bindings.map(typed::<RoleBinding>) {
        let subjects: Vec<_> = binding.subjects.iter().flatten().map(|one| &*one.name).collect();
        if subjects != [account] {
            continue;
        }
        let role = children
            .iter()
            .find(|child| child.kind() == "Role" && child.name() == binding.role_ref.name);
        let role: Role = typed(role.expect("the role is built"));
        found.extend(role.rules.iter().flatten().map(rule));
    }
    found
}

fn rule(rule: &PolicyRule) -> String {
    let words = |words: &Option<Vec<String>>| words.clone().unwrap_or_default().join(", ");
    let names = rule.resource_names.iter().flatten().map(|name| format!("`{name}`"));
    let names: Vec<_> = names.collect();
    let names = if names.is_empty() { String::new() } else { format!(" {}", names.join(", ")) };
    format!("{} of {}{names}", rule.verbs.join(", "), words(&rule.resources))
}

fn rows(text: &mut String, as_called: &str, children: &[Child]) {
    for child in children {
        let Some(pod) = template(child) else { continue };
        assert_eq!(pod.automount_service_account_token, Some(false), "only where it is mounted");
        for container in containers(&pod) {
            let has_token = container.volume_mounts.iter().flatten().any(|mount| {
                mount.mount_path.starts_with("/var/run/secrets/kubernetes.io/serviceaccount")
            });
            let token = if has_token {
                let account = pod.service_account_name.as_deref().expect("an account");
                let rights = rights(account, children);
                assert!(!rights.is_empty(), "a token that is good for nothing");
                format!("`{account}`: {}", rights.join("; "))
            } else {
                "–".to_owned()
            };
            let entries = entries(&pod, container, children);
            let entries = if entries.is_empty() { "–".to_owned() } else { entries.join("; ") };
            let name = format!("`{}`{as_called}", child.name());
            writeln!(text, "| {name} | {} | {entries} | {token} |", container.name).expect("text");
        }
    }
}

/// What the operator may do, as the chart installs it by default.
fn operator(text: &mut String) {
    let path = repository("charts/mixbed/examples/default/rendered.yaml");
    let rendered = std::fs::read_to_string(path).expect("the chart's example");
    text.push_str(
        "\n## The operator\n\nIn the namespaces that it watches, as the chart installs it by default.\n\n\
         | role | may |\n|---|---|\n",
    );
    for document in serde_yaml::Deserializer::from_str(&rendered) {
        let object = Value::deserialize(document).expect("YAML");
        let kind = object["kind"].as_str().unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if !["Role", "ClusterRole"].contains(&kind) || !name.contains("operator") {
            continue;
        }
        let rules: Vec<PolicyRule> =
            serde_json::from_value(object["rules"].clone()).expect("rules");
        for one in &rules {
            writeln!(text, "| {kind} `{name}` | {} |", rule(one)).expect("text");
        }
    }
}

#[test]
fn what_each_pod_holds_is_as_the_table_says() {
    let mut text = ABOUT.to_owned();
    rows(&mut text, "", &objects(spec("{providers: {replicas: 3}}")));
    rows(&mut text, ", wallet asks monerods", &of_broadcast(&json!({})));
    let hidden = json!({ "wallet": { "through": "mixnet" } });
    rows(&mut text, ", wallet through the mixnet", &of_broadcast(&hidden));
    let mut text = text.replace("00000000-0000-0000-0000-000000000001", "UID");
    operator(&mut text);
    let path = repository(PATH);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{PATH} is not what is built: look, then UPDATE=1 cargo test");
}
