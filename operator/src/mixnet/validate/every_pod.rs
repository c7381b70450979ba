//! What every pod has, and what it runs near to.

use k8s_openapi::api::core::v1::Affinity;
use serde_json::Value;

use super::Problems;
use super::numbers::is_subdomain;
use super::pods::{is_label_key, is_label_value};
use crate::api::EveryPod;
use crate::mixnet::quantity::thousandths;

/// Whose names labels may not have: pods are found by them.
const OURS_LABELS: &[&str] = &["app.kubernetes.io", "mixbed.dev"];
/// The same of annotations.
const OURS_ANNOTATIONS: &[&str] = &["mixbed.dev"];

/// What every pod has.
pub(super) fn every_pod(pods: &EveryPod, problems: &mut Problems) {
    for secret in &pods.image_pull_secrets {
        if !is_subdomain(&secret.name) {
            let what = format!("{:?} is no name of a Secret", secret.name);
            problems.add("spec.pods.imagePullSecrets", what, "look with kubectl get secrets");
        }
    }
    let labels = pods.labels.iter().map(|(key, value)| (key, is_label_value(value), OURS_LABELS));
    let annotations = pods.annotations.keys().map(|key| (key, true, OURS_ANNOTATIONS));
    for (field, (key, good, ours)) in labels
        .map(|label| ("labels", label))
        .chain(annotations.map(|annotation| ("annotations", annotation)))
    {
        let path = format!("spec.pods.{field}");
        let domain = key.split_once('/').map(|(domain, _)| domain);
        if !good || !is_label_key(key) {
            let what = format!("{key:?} cannot be one, or its value cannot");
            problems.add(path, what, "write it like example.com/team: privacy");
        } else if domain.is_some_and(|domain| ours.contains(&domain)) {
            let what = format!("{key:?} is what pods are found by");
            problems.add(path, what, "choose another name");
        }
    }
    let class = pods.priority_class_name.as_deref();
    if class.is_some_and(|class| !is_subdomain(class)) {
        let what = format!("{:?} is no priority class", class.unwrap_or_default());
        let remedy = "look with kubectl get priorityclasses";
        problems.add("spec.pods.priorityClassName", what, remedy);
    }
    if pods.user.is_some_and(|user| !(1..=i64::from(i32::MAX)).contains(&user)) {
        let remedy = "name one from 1 to 2147483647, or leave it to the cluster by anyUser: true";
        problems.add("spec.pods.user", "no pod may run as this user", remedy);
    }
    let least = pods.at_least.requests.iter().chain(&pods.at_least.limits);
    for (name, amount) in least {
        if thousandths(amount).is_none() || !["cpu", "memory"].contains(&name.as_str()) {
            let what = format!("{name}: {:?} is no amount", amount.0);
            let remedy = "write it like 250m or 0.5 for cpu, 64Mi for memory";
            problems.add("spec.pods.atLeast", what, remedy);
        }
    }
}

/// Whether the API server will know all of it.
pub(super) fn check_affinity(path: &str, wanted: &Value, problems: &mut Problems) {
    let path = format!("{path}.affinity");
    let remedy = "write it as kubectl explain pod.spec.affinity says";
    match serde_json::from_value::<Affinity>(wanted.clone()) {
        Err(error) => problems.add(path, error.to_string(), remedy),
        Ok(read) => {
            let known = serde_json::to_value(read).unwrap_or_default();
            if let Some(field) = unknown("", wanted, &known) {
                problems.add(path, format!("it has no field {field}"), remedy);
            }
        }
    }
}

/// The first field of the one that the other does not have.
fn unknown(path: &str, wanted: &Value, known: &Value) -> Option<String> {
    match (wanted, known) {
        (Value::Object(wanted), Value::Object(known)) => wanted.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match known.get(name) {
                Some(known) => unknown(&path, value, known),
                None if value.is_null() => None,
                None => Some(path.trim_start_matches('.').to_owned()),
            }
        }),
        (Value::Array(wanted), Value::Array(known)) => {
            let mut pairs = wanted.iter().zip(known).enumerate();
            pairs.find_map(|(number, (wanted, known))| {
                unknown(&format!("{path}[{number}]"), wanted, known)
            })
        }
        _ => None,
    }
}
