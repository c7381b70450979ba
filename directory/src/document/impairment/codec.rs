//! Between rules and the protocol's messages.

use std::time::Duration;

use mixbed_wire::{Impairment, Latency};

use super::{ImpairmentRule, Links, Selector};
use crate::proto;

pub(in crate::document) fn rules_to_proto(rules: &[ImpairmentRule]) -> Vec<proto::ImpairmentRule> {
    rules.iter().map(to_proto).collect()
}

/// Nothing for what no rule is encoded as: it would be signed in two ways.
pub(in crate::document) fn rules_from_proto(
    messages: &[proto::ImpairmentRule],
) -> Option<Vec<ImpairmentRule>> {
    let read = |message| from_proto(message).filter(|rule| to_proto(rule) == *message);
    messages.iter().map(read).collect()
}

fn to_proto(rule: &ImpairmentRule) -> proto::ImpairmentRule {
    let ImpairmentRule { links, impairment, only_from } = rule;
    let Impairment { latency, jitter, loss, bandwidth, partition } = *impairment;
    let (from, to, node) = match links {
        Links::Between { from, to } => (word(from), word(to), String::new()),
        // Unlike an end, a node that may be any has to be told from none.
        Links::Of(node) => (String::new(), String::new(), node.to_string()),
    };
    let (kind, mean, deviation) = match latency {
        Latency::None => (proto::LatencyKind::Unspecified, Duration::ZERO, Duration::ZERO),
        Latency::Constant(latency) => (proto::LatencyKind::Constant, latency, Duration::ZERO),
        Latency::Normal { mean, deviation } => (proto::LatencyKind::Normal, mean, deviation),
        Latency::Exponential { mean } => (proto::LatencyKind::Exponential, mean, Duration::ZERO),
    };
    proto::ImpairmentRule {
        from,
        to,
        node,
        only_from: only_from.as_ref().map(ToString::to_string).unwrap_or_default(),
        latency_kind: kind.into(),
        latency_us: micros(mean),
        deviation_us: micros(deviation),
        jitter_us: micros(jitter),
        loss,
        bandwidth: bandwidth.unwrap_or(0),
        partition,
    }
}

fn from_proto(message: &proto::ImpairmentRule) -> Option<ImpairmentRule> {
    let proto::ImpairmentRule { from, to, node, only_from, .. } = message;
    let links = match node.as_str() {
        "" => Links::Between { from: selector(from)?, to: selector(to)? },
        node => Links::Of(node.parse().ok()?),
    };
    let only_from = match only_from.as_str() {
        "" => None,
        only_from => Some(only_from.parse().ok()?),
    };
    let mean = Duration::from_micros(message.latency_us);
    let latency = match proto::LatencyKind::try_from(message.latency_kind).ok()? {
        proto::LatencyKind::Unspecified => Latency::None,
        proto::LatencyKind::Constant => Latency::Constant(mean),
        proto::LatencyKind::Normal => {
            Latency::Normal { mean, deviation: Duration::from_micros(message.deviation_us) }
        }
        proto::LatencyKind::Exponential => Latency::Exponential { mean },
    };
    let impairment = Impairment {
        latency,
        jitter: Duration::from_micros(message.jitter_us),
        loss: message.loss,
        bandwidth: Some(message.bandwidth).filter(|bandwidth| *bandwidth > 0),
        partition: message.partition,
    };
    Some(ImpairmentRule { links, impairment, only_from })
}

/// An end's word; nothing for everybody, which is the default.
fn word(selector: &Selector) -> String {
    if *selector == Selector::Any { String::new() } else { selector.to_string() }
}

fn selector(word: &str) -> Option<Selector> {
    if word.is_empty() { Some(Selector::Any) } else { word.parse().ok() }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
