use std::collections::BTreeSet;

use mixbed_operator::child::Child;
use serde_json::{Value, json};

use crate::{containers, find, objects, part, pod, spec};

fn labels(child: &Child) -> &Value {
    part(child, "/spec/template/metadata/labels")
}

fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().expect("labels").iter().all(|(key, value)| labels[key] == *value)
}

/// The rules of a policy's side, such as `/spec/ingress`; none if nothing is let through.
fn rules<'a>(policy: &'a Child, side: &str) -> impl Iterator<Item = &'a Value> {
    let rules = policy.object.data.pointer(side).map(|rules| rules.as_array().expect("rules"));
    rules.into_iter().flatten()
}

fn numbers(rule: &Value) -> impl Iterator<Item = i64> {
    let ports = rule["ports"].as_array().expect("ports");
    ports.iter().map(|port| port["port"].as_i64().expect("a number"))
}

/// Metrics' ports, of the directory, of nodes, and the miner's (which takes orders there, too).
const METRICS: [i64; 3] = [7101, 7201, 7301];

/// Those that tell only whether a process is well.
const PROBES: [i64; 3] = [7102, 7202, 7302];

/// Every port of every pod is let in for somebody, and nothing else is; but metrics are for nobody
/// until somebody is named.
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
        let open: BTreeSet<_> = rules(policy, "/spec/ingress").flat_map(numbers).collect();
        let ports = containers(&pod).flat_map(|container| container.ports.iter().flatten());
        let mut has: BTreeSet<_> = ports.map(|port| i64::from(port.container_port)).collect();
        has.retain(|port| !METRICS.contains(port) || *port == 7301);
        assert_eq!(open, has, "{}", child.name());
        for rule in rules(policy, "/spec/ingress") {
            let from = rule["from"].as_array().map_or(0, Vec::len);
            let probes = numbers(rule).all(|port| PROBES.contains(&port));
            assert_eq!(from == 0, probes, "no peers mean from everywhere: {rule}");
        }
    }
}

/// A pod somewhere in the cluster.
struct Stranger {
    namespace: &'static str,
    labels: Value,
}

impl Stranger {
    /// Whether a rule lets it in. The Mixnet is in the namespace `space`.
    fn is_in(&self, rule: &Value) -> bool {
        let Some(peers) = rule.get("from") else { return true };
        peers.as_array().expect("peers").iter().any(|peer| {
            if peer.get("ipBlock").is_some() {
                return false;
            }
            let namespace = match peer.get("namespaceSelector") {
                None => self.namespace == "space",
                Some(selector) => selector["matchLabels"].as_object().is_none_or(|labels| {
                    labels.iter().all(|(key, value)| {
                        assert_eq!(key, "kubernetes.io/metadata.name", "nobody can choose it");
                        value == self.namespace
                    })
                }),
            };
            let pods = peer.get("podSelector").is_none_or(|selector| {
                selector.get("matchLabels").is_none_or(|wanted| selects(wanted, &self.labels))
            });
            namespace && pods
        })
    }

    /// All ports of the Mixnet that it reaches.
    fn reaches(&self, children: &[Child]) -> BTreeSet<i64> {
        let policies = children.iter().filter(|child| child.kind() == "NetworkPolicy");
        let open = policies.flat_map(|policy| rules(policy, "/spec/ingress"));
        open.filter(|rule| self.is_in(rule)).flat_map(numbers).collect()
    }
}

/// Whoever is nobody in particular reaches the directory's documents, gateways, and probes that tell
/// nothing: no metrics and no miner, whatever it calls itself. Only whom the operator's user names
/// reads metrics, and nobody becomes one by a label alone.
#[test]
fn a_strangers_pod_reads_no_metrics() {
    let prometheus = || json!({ "app.kubernetes.io/name": "prometheus", "role": "scrapes" });
    let pod = |namespace, labels| Stranger { namespace, labels };
    let open = BTreeSet::from([7100, 7102, 7200, 7202, 7302]);
    let children = objects(spec("{}"));
    for stranger in [
        pod("elsewhere", json!({})),
        pod("space", json!({})),
        pod("elsewhere", prometheus()),
        pod("space", prometheus()),
        // As if it were the Mixnet's, in another namespace.
        pod(
            "elsewhere",
            json!({
                "mixbed.dev/mixnet": "net", "mixbed.dev/node": "true",
                "app.kubernetes.io/component": "broadcast",
            }),
        ),
    ] {
        assert_eq!(
            stranger.reaches(&children),
            open,
            "{}: {}",
            stranger.namespace,
            stranger.labels
        );
    }

    let mut installation = crate::installation();
    installation.network.scrapers = vec!["monitoring/role=scrapes".parse().expect("a scraper")];
    let children = crate::installed(&installation, spec("{}"));
    let with_metrics: BTreeSet<_> = open.iter().copied().chain(METRICS).collect();
    assert_eq!(pod("monitoring", prometheus()).reaches(&children), with_metrics);
    assert_eq!(pod("monitoring", json!({})).reaches(&children), open);
    assert_eq!(pod("elsewhere", prometheus()).reaches(&children), open);
}

/// monerod's unrestricted port is for the miner and for Broadcasts that ask it themselves; providers,
/// and with them every client, have the restricted one, which no other pod reaches.
#[test]
fn clients_reach_monerods_restricted_port_only() {
    let children = objects(spec("{}"));
    let provider = pod(find(&children, "StatefulSet", "net-provider")).expect("pods").0;
    let args = |name: &str| {
        let container = containers(&provider).find(|container| container.name == name);
        container.expect("a container").args.clone().expect("arguments")
    };
    let monerod = args("monerod");
    assert!(monerod.contains(&"--rpc-restricted-bind-ip=127.0.0.1".to_owned()), "{monerod:?}");
    assert!(monerod.contains(&"--rpc-restricted-bind-port=18089".to_owned()), "{monerod:?}");
    let node = args("provider");
    assert!(node.contains(&"--monerod=http://127.0.0.1:18089".to_owned()), "{node:?}");
    assert!(node.iter().all(|arg| !arg.ends_with("127.0.0.1:18081")), "{node:?}");
    assert!(node.contains(&"--tcp-name=monerod.mixbed:18081=127.0.0.1:18089".to_owned()));
    let ports = containers(&provider).flat_map(|container| container.ports.iter().flatten());
    assert!(ports.into_iter().all(|port| port.container_port != 18089), "it is on loopback");
}

/// Where the API server's addresses are known, those who speak with it speak with nobody else.
#[test]
fn the_api_server_is_spoken_with_at_its_own_addresses() {
    let mut installation = crate::installation();
    installation.network.api_server = vec!["10.96.0.1".parse().expect("an address")];
    let children = crate::installed(&installation, spec("{}"));
    for role in ["directory", "broadcast"] {
        let policy = find(&children, "NetworkPolicy", &format!("net-{role}"));
        let to_it = rules(policy, "/spec/egress").filter(|rule| numbers(rule).any(|n| n == 6443));
        let to: Vec<_> = to_it.map(|rule| &rule["to"]).collect();
        assert_eq!(to, [&json!([{ "ipBlock": { "cidr": "10.96.0.1/32" } }])], "{role}");
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
            (other_namespaces
                && pods.is_null()
                && peer["namespaceSelector"].get("matchLabels").is_none())
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
    let peers = rules.iter().filter_map(|rule| rule["from"].as_array()).flatten();
    let broadcasts: Vec<_> = peers
        .map(|peer| &peer["podSelector"])
        .filter(|pods| pods["matchLabels"]["app.kubernetes.io/component"] == "broadcast")
        .collect();
    assert_eq!(broadcasts.len(), 1);
    assert_eq!(broadcasts[0]["matchExpressions"], expected);
}

/// By default, and where a cluster has other ports behind its Services.
#[test]
fn spans_and_names_are_let_out() {
    let tracing = || spec("{tracing: {otlp: 'http://jaeger:4317'}}");
    are_let_out(
        &objects(tracing()),
        &[(53, "UDP"), (53, "TCP"), (5353, "UDP"), (4317, "TCP")],
        9999,
    );
    let mut installation = crate::installation();
    installation.network.dns_ports = vec![9053];
    installation.network.collector_ports = vec![14317];
    let children = crate::installed(&installation, tracing());
    are_let_out(&children, &[(9053, "UDP"), (4317, "TCP"), (14317, "TCP")], 53);
    installation.network.api_server_ports = vec![9443];
    let children = crate::installed(&installation, tracing());
    for role in ["directory", "broadcast"] {
        let policy = find(&children, "NetworkPolicy", &format!("net-{role}"));
        let out: BTreeSet<_> = rules(policy, "/spec/egress").flat_map(numbers).collect();
        assert!(out.contains(&9443) && !out.contains(&6443), "{role}: {out:?}");
    }
}

fn are_let_out(children: &[Child], wanted: &[(i64, &str)], refused: i64) {
    for role in ["gateway", "mix", "provider", "broadcast"] {
        let rules = part(find(children, "NetworkPolicy", &format!("net-{role}")), "/spec/egress");
        let anywhere =
            rules.as_array().expect("rules").iter().filter(|rule| rule.get("to").is_none());
        let ports: BTreeSet<_> = anywhere
            .flat_map(|rule| rule["ports"].as_array().expect("ports"))
            .map(|port| (port["port"].as_i64(), port["protocol"].as_str()))
            .collect();
        for (port, protocol) in wanted {
            assert!(ports.contains(&(Some(*port), Some(protocol))), "{role}: {ports:?}");
        }
        assert!(ports.iter().all(|(port, _)| *port != Some(refused)), "{role}: {ports:?}");
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
