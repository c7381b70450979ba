//! What a node in a pod says of itself: its metrics, read.

use std::collections::BTreeMap;

use crate::control::Inside;

/// Reads a node's counters from its metrics (`OpenMetrics` text). What it does not say is 0.
pub(super) fn read(metrics: &str, ready: bool) -> Inside {
    let sum = |name: &str| -> u64 { samples(metrics, name).map(|(_, value)| value).sum() };
    let mut dropped = BTreeMap::new();
    for (labels, count) in samples(metrics, "mixbed_packets_dropped_total") {
        if let Some(reason) = label(labels, "reason")
            && count > 0
        {
            *dropped.entry(reason.to_owned()).or_default() += count;
        }
    }
    Inside {
        ready,
        reasons: if ready { Vec::new() } else { vec!["its pod is not ready".to_owned()] },
        received: sum("mixbed_packets_received_total"),
        made: sum("mixbed_packets_made_total"),
        sent: sum("mixbed_packets_sent_total"),
        delivered: sum("mixbed_packets_delivered_total"),
        held: sum("mixbed_packets_held"),
        dropped,
    }
}

/// The samples of a metric: labels and value.
fn samples<'a>(metrics: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
    metrics.lines().filter_map(move |line| {
        let (labels, value) = match line.strip_prefix(name)? {
            rest if rest.starts_with('{') => rest[1..].split_once('}')?,
            rest if rest.starts_with(' ') => ("", rest),
            _ => return None,
        };
        Some((labels, value.trim().parse().ok()?))
    })
}

fn label<'a>(labels: &'a str, key: &str) -> Option<&'a str> {
    let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(k, v)| (k, v.trim_matches('"'))).find(|(k, _)| *k == key).map(|(_, v)| v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_counters_are_read_from_its_metrics() {
        let metrics = "\
# TYPE mixbed_packets_received counter
mixbed_packets_received_total{node=\"net-mix-1-0\",role=\"mix\"} 12
mixbed_packets_sent_total{node=\"net-mix-1-0\",role=\"mix\"} 9
mixbed_packets_dropped_total{node=\"net-mix-1-0\",role=\"mix\",reason=\"replayed\"} 2
mixbed_packets_dropped_total{node=\"net-mix-1-0\",role=\"mix\",reason=\"bad_mac\"} 0
mixbed_packets_held{node=\"net-mix-1-0\",role=\"mix\"} 1
# EOF
";
        let inside = read(metrics, true);
        assert_eq!((inside.received, inside.sent, inside.held, inside.made), (12, 9, 1, 0));
        assert_eq!(inside.dropped, BTreeMap::from([("replayed".to_owned(), 2)]));
    }
}
