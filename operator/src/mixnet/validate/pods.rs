//! Where pods run, and what they ask for.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::Problems;
use super::every_pod::{check_affinity, every_pod};
use super::numbers::is_subdomain;
use crate::api::{MixnetSpec, PodSettings, Resources, Scheduling};
use crate::mixnet::build::amounts::{self, Amounts};
use crate::mixnet::quantity::thousandths;

/// What monerod takes for certain, in MiB: RandomX alone has 256.
const MONEROD_MIB: u128 = 300;

/// All settings of pods.
pub(super) fn check(spec: &MixnetSpec, problems: &mut Problems) {
    scheduling("spec.scheduling", &spec.scheduling, problems);
    every_pod(&spec.pods, problems);
    let roles: [(&str, &PodSettings, Amounts); 5] = [
        ("spec.directory", &spec.directory.pods, amounts::DIRECTORY),
        ("spec.gateways", &spec.gateways.pods, amounts::GATEWAY),
        ("spec.mixes", &spec.mixes.pods, amounts::MIX),
        ("spec.providers", &spec.providers.pods, amounts::PROVIDER),
        ("spec.miner", &spec.miner, amounts::MINER),
    ];
    for (path, pods, own) in roles {
        if let Some(scheduling_of) = &pods.scheduling {
            scheduling(&format!("{path}.scheduling"), scheduling_of, problems);
        }
        if let Some(wanted) = &pods.resources {
            resources(&format!("{path}.resources"), wanted, own, problems);
        }
    }
    if let Some(wanted) = &spec.providers.monerod.resources {
        let path = "spec.providers.monerod.resources";
        resources(path, wanted, amounts::MONEROD, problems);
        let limit = wanted.limits.get("memory").and_then(thousandths);
        if limit.is_some_and(|limit| limit < (MONEROD_MIB << 20) * 1_000) {
            problems.add(
                format!("{path}.limits.memory"),
                "monerod would be ended at its first block, for which it takes about 290 MiB",
                format!("allow {MONEROD_MIB}Mi or more"),
            );
        }
    }
}

fn resources(path: &str, wanted: &Resources, own: Amounts, problems: &mut Problems) {
    let own = own.or(None);
    let mut read = |kind: &str, amounts: &BTreeMap<String, Quantity>| {
        let mut read = BTreeMap::new();
        for (name, amount) in amounts {
            let path = format!("{path}.{kind}.{name}");
            let value = thousandths(amount);
            match (name.as_str(), value) {
                ("cpu" | "memory", None) => {
                    let what = format!("{:?} is no amount", amount.0);
                    problems.add(path, what, "write it like 250m or 0.5 for cpu, 64Mi for memory");
                }
                ("memory", Some(value)) if value < 1_000 << 20 => {
                    let what = format!("{:?} is less than 1Mi", amount.0);
                    problems.add(path, what, "write memory like 64Mi");
                }
                ("cpu", Some(value)) if kind == "limits" && value == 0 => {
                    problems.add(path, "a limit of nothing", "leave it out for no limit");
                }
                ("cpu" | "memory", Some(value)) => {
                    read.insert(name.clone(), value);
                }
                _ => problems.add(path, "no pod of a Mixnet uses this", "write cpu or memory"),
            }
        }
        read
    };
    let requests = read("requests", &wanted.requests);
    let limits = read("limits", &wanted.limits);
    for name in ["cpu", "memory"] {
        let of = |wanted: &BTreeMap<String, u128>, own: Option<&BTreeMap<String, Quantity>>| {
            wanted.get(name).copied().or_else(|| thousandths(own?.get(name)?))
        };
        let request = of(&requests, own.requests.as_ref());
        let limit = of(&limits, own.limits.as_ref());
        if let (Some(request), Some(limit)) = (request, limit)
            && request > limit
        {
            let text = |own: Option<&BTreeMap<String, Quantity>>,
                        wanted: &BTreeMap<_, Quantity>| {
                let amount = wanted.get(name).or_else(|| own?.get(name));
                amount.map(|amount| amount.0.clone()).unwrap_or_default()
            };
            let request = text(own.requests.as_ref(), &wanted.requests);
            let limit = text(own.limits.as_ref(), &wanted.limits);
            problems.add(
                format!("{path}.requests.{name}"),
                format!("{request} are asked for, and {limit} are the limit"),
                "set both, the limit at least as high",
            );
        }
    }
}

fn scheduling(path: &str, wanted: &Scheduling, problems: &mut Problems) {
    let Scheduling { node_selector, tolerations, affinity, spread_over } = wanted;
    if let Some(affinity) = affinity {
        check_affinity(path, affinity, problems);
    }
    for (key, value) in node_selector {
        if !is_label_key(key) || !is_label_value(value) {
            problems.add(
                format!("{path}.nodeSelector"),
                format!("{key:?}: {value:?} is no label"),
                "write it like kubernetes.io/arch: amd64",
            );
        }
    }
    for (number, toleration) in tolerations.iter().enumerate() {
        let path = format!("{path}.tolerations[{number}]");
        let key = toleration.key.as_deref().unwrap_or_default();
        let operator = toleration.operator.as_deref().unwrap_or_default();
        let effect = toleration.effect.as_deref().unwrap_or_default();
        let value = toleration.value.as_deref().unwrap_or_default();
        let exists = operator == "Exists";
        let mut wrong = |what: &str, remedy: &str| problems.add(path.clone(), what, remedy);
        if !["", "Exists", "Equal"].contains(&operator) {
            wrong(&format!("{operator:?} is no operator"), "write Exists or Equal");
        }
        if !["", "NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) {
            let remedy = "write NoSchedule, PreferNoSchedule or NoExecute, or leave it out for all";
            wrong(&format!("{effect:?} is no effect"), remedy);
        }
        if key.is_empty() && !exists {
            wrong("it names no key", "name one, or write operator: Exists for all taints");
        }
        if !key.is_empty() && !is_label_key(key) {
            wrong(&format!("{key:?} is no key"), "write it as kubectl describe node shows it");
        }
        if !is_label_value(value) || (exists && !value.is_empty()) {
            wrong(
                &format!("the value {value:?} cannot be compared"),
                "write the taint's value with operator Equal, and none with Exists",
            );
        }
        if toleration.toleration_seconds.is_some() && effect != "NoExecute" {
            wrong("tolerationSeconds is for the effect NoExecute", "leave it out");
        }
    }
    if spread_over.as_deref().is_some_and(|key| !is_label_key(key)) {
        problems.add(
            format!("{path}.spreadOver"),
            format!("{:?} is no label of machines", spread_over.as_deref().unwrap_or_default()),
            "write it like topology.kubernetes.io/zone",
        );
    }
}

pub(super) fn is_label_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(p, n)| (Some(p), n));
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name)
}

pub(super) fn is_label_value(value: &str) -> bool {
    let bytes = value.as_bytes();
    let end = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && end(bytes.first())
        && end(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}
