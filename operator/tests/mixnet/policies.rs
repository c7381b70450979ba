use std::collections::BTreeSet;

use mixbed_operator::child::Child;
use serde_json::Value;

use crate::{containers, find, objects, part, pod, spec};

fn labels(child: &Child) -> &Value {
    part(child, "/spec/template/metadata/labels")
}

fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().expect("labels").iter().all(|(key, value)| labels[key] == *value)
}

/// Every port of every pod is let in for somebody, and nothing else is.
#[test]
fn every_port_is_in_a_policy() {
    let children = objects(spec("{}"));
    let policies: Vec<_> =
        children.iter().filter(|child| child.kind() == "NetworkPolicy").collect();
    for child in &children {
        let Some((pod, _)) = pod(child) else { continue };
        let mut policies = policies
            .iter()
            .filter(|policy| selects(part(policy, "/spec/podSelector/matchLabels"), labels(child)));
        let policy = policies.next().unwrap_or_else(|| panic!("{} has a policy", child.name()));
        assert!(policies.next().is_none(), "{} has one policy", child.name());
        let rules = part(policy, "/spec/ingress").as_array().expect("rules");
        let ports = rules.iter().flat_map(|rule| rule["ports"].as_array().expect("ports"));
        let open: BTreeSet<_> =
            ports.map(|port| port["port"].as_i64().expect("a number")).collect();
        let ports = containers(&pod).flat_map(|container| container.ports.iter().flatten());
        let has: BTreeSet<_> = ports.map(|port| i64::from(port.container_port)).collect();
        assert_eq!(open, has, "{}", child.name());
        for rule in rules {
            let from = rule["from"].as_array().expect("peers");
            assert!(!from.is_empty(), "no peers would mean: from everywhere");
        }
    }
}

/// What one role lets out to another, that one lets in from it.
#[test]
fn whoever_may_speak_is_listened_to() {
    let children = objects(spec("{}"));
    let policy = |name: &str| find(&children, "NetworkPolicy", name);
    let open = |name: &str, side: &str, peers: &str, role: &str| -> BTreeSet<i64> {
        let component = "app.kubernetes.io/component";
        let node = ["gateway", "mix", "provider"].contains(&role);
        let names = |peer: &Value| {
            let pods = &peer["podSelector"]["matchLabels"];
            let other_namespaces = peer.get("namespaceSelector").is_some();
            (other_namespaces && pods.is_null())
                || pods[component] == role
                || (node && pods.get("mixbed.dev/node").is_some())
        };
        // Without rules nothing is let through.
        let rules = policy(name).object.data.pointer(side).map(|rules| rules.as_array());
        let rules = rules.map(|rules| rules.expect("rules")).into_iter().flatten();
        let rules = rules.filter(|rule| {
            rule.get(peers).is_some_and(|list| list.as_array().expect("peers").iter().any(names))
        });
        rules
            .flat_map(|rule| rule["ports"].as_array().expect("ports"))
            .map(|port| port["port"].as_i64().expect("a number"))
            .collect()
    };
    // Of a Broadcast's pods, those that ask monerods themselves have a policy more.
    let monerods = open("net-broadcast-monerod", "/spec/egress", "to", "provider");
    assert_eq!(monerods, BTreeSet::from([18081]));
    let let_in = open("net-provider", "/spec/ingress", "from", "broadcast");
    assert!(monerods.is_subset(&let_in), "{let_in:?}");
    let roles = ["directory", "gateway", "mix", "provider", "miner", "broadcast"];
    let mut pairs = 0;
    for from in roles {
        for to in roles {
            let out = open(&format!("net-{from}"), "/spec/egress", "to", to);
            let let_in = open(&format!("net-{to}"), "/spec/ingress", "from", from);
            assert!(out.is_subset(&let_in), "{from} to {to}: {out:?} of {let_in:?}");
            pairs += usize::from(!out.is_empty());
        }
    }
    assert_eq!(pairs, 16, "nodes with each other 9, with the directory 3, miner 1, Broadcasts 3");
    let mixes = open("net-mix", "/spec/ingress", "from", "broadcast");
    assert!(!mixes.contains(&7200), "mixes take packets from nodes only");
}

/// A Broadcast whose wallet goes through the mixnet is let to no monerod, from either side.
#[test]
fn wallets_that_go_through_the_mixnet_reach_no_monerod() {
    let children = objects(spec("{}"));
    let policy = |name: &str| find(&children, "NetworkPolicy", name);
    let all = part(policy("net-broadcast"), "/spec/egress").to_string();
    assert!(!all.contains("18081"), "{all}");
    let expected = serde_json::json!([
        {"key": "mixbed.dev/wallet", "operator": "NotIn", "values": ["mixnet"]}
    ]);
    let selector = part(policy("net-broadcast-monerod"), "/spec/podSelector");
    assert_eq!(selector["matchExpressions"], expected);
    let rules = part(policy("net-provider"), "/spec/ingress").as_array().expect("rules");
    let peers = rules.iter().flat_map(|rule| rule["from"].as_array().expect("peers"));
    let broadcasts: Vec<_> = peers
        .map(|peer| &peer["podSelector"])
        .filter(|pods| pods["matchLabels"]["app.kubernetes.io/component"] == "broadcast")
        .collect();
    assert_eq!(broadcasts.len(), 1);
    assert_eq!(broadcasts[0]["matchExpressions"], expected);
}

#[test]
fn spans_and_names_are_let_out() {
    let children = objects(spec("{tracing: {otlp: 'http://jaeger:4317'}}"));
    for role in ["gateway", "mix", "provider", "broadcast"] {
        let rules = part(find(&children, "NetworkPolicy", &format!("net-{role}")), "/spec/egress");
        let anywhere =
            rules.as_array().expect("rules").iter().filter(|rule| rule.get("to").is_none());
        let ports: BTreeSet<_> = anywhere
            .flat_map(|rule| rule["ports"].as_array().expect("ports"))
            .map(|port| (port["port"].as_i64(), port["protocol"].as_str()))
            .collect();
        for wanted in [(Some(53), Some("UDP")), (Some(53), Some("TCP")), (Some(4317), Some("TCP"))]
        {
            assert!(ports.contains(&wanted), "{role}: {ports:?}");
        }
    }
}

#[test]
fn policies_can_be_left_out() {
    let children = objects(spec("{networkPolicies: false}"));
    assert!(children.iter().all(|child| child.kind() != "NetworkPolicy"));
}

/// Every Service and budget finds pods, and the ports that it names.
#[test]
fn every_service_has_pods_behind_it() {
    let children = objects(spec("{}"));
    for service in children.iter().filter(|child| child.kind() == "Service") {
        let mut selector = part(service, "/spec/selector").clone();
        let one = selector.as_object_mut().expect("labels");
        let pod_name = one.remove("statefulset.kubernetes.io/pod-name");
        if let Some(pod_name) = pod_name {
            assert_eq!(pod_name, service.name());
        }
        let behind: Vec<_> = children
            .iter()
            .filter_map(|child| Some((child, pod(child)?.0)))
            .filter(|(child, _)| selects(&selector, labels(child)))
            .collect();
        assert!(!behind.is_empty(), "{}", service.name());
        for (child, pod) in behind {
            for port in part(service, "/spec/ports").as_array().expect("ports") {
                let target = port["targetPort"].as_str();
                let mut ports = containers(&pod).flat_map(|c| c.ports.iter().flatten());
                let found = ports.any(|port| port.name.as_deref() == target);
                assert!(found, "{} at {}: {target:?}", service.name(), child.name());
            }
        }
    }
}
