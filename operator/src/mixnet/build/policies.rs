//! Who may speak with whom.

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Plan;
use super::ports::{
    DIRECTORY_HTTP, DIRECTORY_PROBES, DOCUMENTS, LINK, MINER_HTTP, MINER_PROBES, MONEROD_P2P,
    MONEROD_RPC, NODE_HTTP, NODE_PROBES, Port,
};
use crate::api::{MIXNET_LABEL, NODE_LABEL, THROUGH_MIXNET, WALLET_LABEL};
use crate::child::{Child, Labels, matching, owned};
use crate::installation::{Addresses, Scraper};

/// One policy a role: what is not named in it is closed.
pub(super) fn policies(plan: Plan) -> Vec<Child> {
    let names = plan.names();
    let role = |component: &str| vec![pods(plan.owner().selector(component))];
    let nodes = || {
        let labels = [(MIXNET_LABEL, plan.mixnet.name()), (NODE_LABEL, "true")].map(owned);
        vec![pods(labels.into())]
    };
    let with = |rules, http, probes| with(plan, rules, http, probes);
    // Pods of an earlier operator have no such label, and ask directly.
    let asking = || LabelSelector {
        match_expressions: Some(vec![LabelSelectorRequirement {
            key: WALLET_LABEL.to_owned(),
            operator: "NotIn".to_owned(),
            values: Some(vec![THROUGH_MIXNET.to_owned()]),
        }]),
        ..matching(plan.owner().selector("broadcast"))
    };
    let askers =
        || NetworkPolicyPeer { pod_selector: Some(asking()), ..NetworkPolicyPeer::default() };
    let everyone = || vec![anywhere()];
    let out = |mut rules: Vec<NetworkPolicyEgressRule>| {
        rules.push(to_dns(plan));
        rules
    };
    let node_out = |more: Vec<NetworkPolicyEgressRule>| {
        let mut rules =
            vec![to(nodes(), &[tcp(LINK.number)]), to(role("directory"), &[tcp(DOCUMENTS.number)])];
        rules.extend(more);
        rules.extend(to_collector(plan));
        out(rules)
    };
    let policy = |name, component, ingress, egress| policy(plan, name, component, ingress, egress);
    vec![
        policy(
            names.directory(),
            "directory",
            with(vec![from(everyone(), &[DOCUMENTS.number])], DIRECTORY_HTTP, DIRECTORY_PROBES),
            out(vec![to_api_server(plan)]),
        ),
        policy(
            names.gateway(),
            "gateway",
            with(vec![from(everyone(), &[LINK.number])], NODE_HTTP, NODE_PROBES),
            node_out(vec![]),
        ),
        policy(
            format!("{}-mix", plan.mixnet.name()),
            "mix",
            with(vec![from(nodes(), &[LINK.number])], NODE_HTTP, NODE_PROBES),
            node_out(vec![]),
        ),
        policy(
            names.provider(),
            "provider",
            with(
                vec![
                    from(nodes(), &[LINK.number]),
                    // The miner greets a monerod that is alone as a peer would.
                    from([role("provider"), role("miner")].concat(), &[MONEROD_P2P.number]),
                    from([role("miner"), vec![askers()]].concat(), &[MONEROD_RPC.number]),
                ],
                NODE_HTTP,
                NODE_PROBES,
            ),
            node_out(vec![to(role("provider"), &[tcp(MONEROD_P2P.number)])]),
        ),
        policy(
            names.miner(),
            "miner",
            with(vec![from(role("broadcast"), &[MINER_HTTP.number])], MINER_HTTP, MINER_PROBES),
            out(vec![to(role("provider"), &[tcp(MONEROD_RPC.number), tcp(MONEROD_P2P.number)])]),
        ),
        policy(
            names.broadcast(),
            "broadcast",
            vec![],
            out([
                to(role("gateway"), &[tcp(LINK.number)]),
                to(role("directory"), &[tcp(DOCUMENTS.number)]),
                to(role("miner"), &[tcp(MINER_HTTP.number)]),
                to_api_server(plan),
            ]
            .into_iter()
            .chain(to_collector(plan))
            .collect()),
        ),
        // Besides: what several policies of a pod let through is let through.
        policy_of(
            plan,
            names.broadcast_monerod(),
            "broadcast",
            asking(),
            vec![],
            vec![to(role("provider"), &[tcp(MONEROD_RPC.number)])],
        ),
    ]
}

/// These rules, and who reaches a pod's metrics and its probes.
fn with(
    plan: Plan,
    mut rules: Vec<NetworkPolicyIngressRule>,
    http: Port,
    probes: Port,
) -> Vec<NetworkPolicyIngressRule> {
    // Metrics are for those whom the operator's user names; nobody else learns how much passes where.
    // By way of the API server they are for those who have the right to that.
    let scrapers = plan.mixnet.network.scrapers.iter().map(scraper);
    let peers: Vec<_> = scrapers.chain(api_server(plan)).collect();
    if !peers.is_empty() {
        rules.push(from(peers, &[http.number]));
    }
    rules.push(from_everywhere(probes));
    rules
}

/// Wherever they are.
fn to_dns(plan: Plan) -> NetworkPolicyEgressRule {
    let ports = plan.mixnet.network.dns_ports.iter();
    to(vec![], &ports.flat_map(|port| [udp(*port), tcp(*port)]).collect::<Vec<_>>())
}

fn to_collector(plan: Plan) -> Option<NetworkPolicyEgressRule> {
    let url = plan.mixnet.spec.tracing.otlp.as_deref()?;
    let behind = plan.mixnet.network.collector_ports.iter().copied();
    Some(to(vec![], &[port_of(url)].into_iter().chain(behind).map(tcp).collect::<Vec<_>>()))
}

fn to_api_server(plan: Plan) -> NetworkPolicyEgressRule {
    let ports = plan.mixnet.network.api_server_ports.iter().copied();
    to(api_server(plan), &ports.map(tcp).collect::<Vec<_>>())
}

/// The API server, if its addresses are known.
fn api_server(plan: Plan) -> Vec<NetworkPolicyPeer> {
    plan.mixnet.network.api_server.iter().map(block).collect()
}

/// The label of a namespace that is its name: Kubernetes sets it, and nobody can choose another.
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

fn policy(
    plan: Plan,
    name: String,
    component: &str,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
) -> Child {
    let pods = matching(plan.owner().selector(component));
    policy_of(plan, name, component, pods, ingress, egress)
}

/// The same for those of its pods that are selected.
fn policy_of(
    plan: Plan,
    name: String,
    component: &str,
    pods: LabelSelector,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
) -> Child {
    Child::of(&NetworkPolicy {
        metadata: plan.owner().metadata(name, plan.labels(component)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(pods),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            // An empty list is the same as none, and the API server takes each apply of one for a
            // change.
            ingress: Some(ingress).filter(|rules| !rules.is_empty()),
            egress: Some(egress).filter(|rules| !rules.is_empty()),
        }),
    })
}

/// Pods with these labels in the Mixnet's namespace.
fn pods(labels: Labels) -> NetworkPolicyPeer {
    NetworkPolicyPeer { pod_selector: Some(matching(labels)), ..NetworkPolicyPeer::default() }
}

/// Pods in all namespaces.
fn anywhere() -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        ..NetworkPolicyPeer::default()
    }
}

/// Those that may read metrics.
fn scraper(scraper: &Scraper) -> NetworkPolicyPeer {
    let Scraper { namespace, labels } = scraper;
    NetworkPolicyPeer {
        namespace_selector: Some(matching([owned((NAMESPACE_LABEL, namespace))].into())),
        pod_selector: (!labels.is_empty()).then(|| matching(labels.clone())),
        ip_block: None,
    }
}

fn block(addresses: &Addresses) -> NetworkPolicyPeer {
    let cidr = addresses.as_str().to_owned();
    NetworkPolicyPeer {
        ip_block: Some(IPBlock { cidr, except: None }),
        ..NetworkPolicyPeer::default()
    }
}

/// Probes tell nothing but whether a process is well, and come from no pod: machines' kubelets ask.
fn from_everywhere(port: Port) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule { from: None, ports: Some(vec![tcp(port.number)]) }
}

fn from(peers: Vec<NetworkPolicyPeer>, ports: &[u16]) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: Some(peers),
        ports: Some(ports.iter().copied().map(tcp).collect()),
    }
}

/// To these; to wherever it is if none are named.
fn to(peers: Vec<NetworkPolicyPeer>, ports: &[NetworkPolicyPort]) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule {
        to: (!peers.is_empty()).then_some(peers),
        ports: Some(ports.to_vec()),
    }
}

fn tcp(port: u16) -> NetworkPolicyPort {
    at("TCP", port)
}

fn udp(port: u16) -> NetworkPolicyPort {
    at("UDP", port)
}

fn at(protocol: &str, port: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(port.into())),
        end_port: None,
    }
}

/// The port in a collector's URL.
fn port_of(url: &str) -> u16 {
    let port = url.trim_end_matches('/').rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    port.unwrap_or(80)
}
