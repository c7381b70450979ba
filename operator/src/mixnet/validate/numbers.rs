//! How many, how long, how large, where to.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::Problems;
use crate::api::{MixnetSpec, Period};
use crate::mixnet::quantity::thousandths;

/// Everything that is a single number, time or address.
pub(super) fn check(spec: &MixnetSpec, problems: &mut Problems) {
    let mut count = |path: &str, value: i32, most: i32| {
        if !(1..=most).contains(&value) {
            problems.add(path, format!("{value} is not 1 to {most}"), "change it");
        }
    };
    count("spec.gateways.replicas", spec.gateways.replicas, 50);
    count("spec.mixes.perLayer", spec.mixes.per_layer, 100);
    count("spec.providers.replicas", spec.providers.replicas, 10);

    let seconds = Duration::from_secs;
    let mut time = |path: &str, value: Period, least: Duration, most: Duration| {
        if !(least..=most).contains(&value.0) {
            let (least, most) = (Period(least), Period(most));
            problems.add(path, format!("{value} is not between {least} and {most}"), "change it");
        }
    };
    time("spec.drain", spec.drain, Duration::ZERO, seconds(300));
    time("spec.directory.lease", spec.directory.lease, seconds(1), seconds(3600));
    let block_time = spec.providers.block_time;
    time("spec.providers.blockTime", block_time, Duration::from_millis(200), seconds(600));

    if let Some(storage) = &spec.storage {
        if thousandths(&Quantity(storage.size.clone())).is_none_or(|size| size == 0) {
            problems.add(
                "spec.storage.size",
                format!("{:?} is no size", storage.size),
                "write it like 1Gi",
            );
        }
        if storage.class_name.as_deref().is_some_and(|name| !is_subdomain(name)) {
            problems.add(
                "spec.storage.className",
                format!("{:?} is no name of a StorageClass", storage.class_name),
                "look with kubectl get storageclass, or leave it out for the default one",
            );
        }
    }
    addresses(spec, problems);
}

fn addresses(spec: &MixnetSpec, problems: &mut Problems) {
    if let Some(url) = &spec.tracing.otlp {
        let place = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let place = place.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let port = place.and_then(|place| place.rsplit_once(':'));
        let good = port.is_some_and(|(host, port)| {
            is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !good {
            problems.add(
                "spec.tracing.otlp",
                format!("{url:?} is no address of a collector"),
                "write it like http://jaeger:4317: http or https, a host, and the port of OTLP over gRPC",
            );
        }
    }
    if let Some(url) = &spec.tracing.jaeger {
        let place = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = place.and_then(|place| place.split('/').next());
        let host = host.map(|host| host.rsplit_once(':').map_or(host, |(host, _)| host));
        if !host.is_some_and(is_host) {
            problems.add(
                "spec.tracing.jaeger",
                format!("{url:?} is no address of Jaeger"),
                "write it like http://jaeger:16686",
            );
        }
    }
}

/// A name, or an address; one of IPv6 in brackets.
fn is_host(host: &str) -> bool {
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match v6 {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_subdomain(&host.to_ascii_lowercase()),
    }
}

/// Names as most objects of Kubernetes have them.
pub(super) fn is_subdomain(name: &str) -> bool {
    let label = |label: &str| {
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = label.as_bytes();
        bytes.len() <= 63
            && ends(bytes.first())
            && ends(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
