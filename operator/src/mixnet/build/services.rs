//! The Services.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};

use super::Plan;
use super::ports::{
    DIRECTORY_HTTP, DOCUMENTS, LINK, MINER_HTTP, MONEROD_P2P, MONEROD_RPC, NODE_HTTP,
};
use crate::api::{MIXNET_LABEL, NODE_LABEL};
use crate::child::{Child, Labels, owned};

/// Where each part is found.
pub(super) fn services(plan: Plan) -> Vec<Child> {
    let names = plan.names();
    let selector = |component: &str| plan.owner().selector(component);
    let service = |name: String, component: &str, spec: ServiceSpec| {
        let metadata = plan.owner().metadata(name, plan.labels(component));
        Child::of(&Service { metadata, spec: Some(spec), ..Service::default() })
    };
    let mut children = vec![
        service(
            names.directory(),
            "directory",
            cluster(selector("directory"), vec![DOCUMENTS.service(), DIRECTORY_HTTP.service()]),
        ),
        service(names.nodes(), "node", headless(plan)),
        service(names.gateway(), "gateway", cluster(selector("gateway"), vec![LINK.service()])),
        service(names.miner(), "miner", cluster(selector("miner"), vec![MINER_HTTP.service()])),
    ];
    for number in 0..plan.mixnet.spec.providers.replicas {
        let name = names.provider_pod(number);
        let mut selector = selector("provider");
        selector.extend([owned(("statefulset.kubernetes.io/pod-name", &name))]);
        let ports = vec![MONEROD_RPC.service(), MONEROD_P2P.service()];
        let spec = ServiceSpec {
            // Two monerods are ready once they have met, and meet by these.
            publish_not_ready_addresses: Some(true),
            ..cluster(selector, ports)
        };
        children.push(service(name, "provider", spec));
    }
    children
}

/// With an address of its own.
fn cluster(selector: Labels, ports: Vec<ServicePort>) -> ServiceSpec {
    ServiceSpec {
        type_: Some("ClusterIP".to_owned()),
        selector: Some(selector),
        ports: Some(ports),
        ..ServiceSpec::default()
    }
}

/// The one that gives pods their names; nodes are in the document with their addresses.
fn headless(plan: Plan) -> ServiceSpec {
    let selector = [(MIXNET_LABEL, plan.mixnet.name()), (NODE_LABEL, "true")].map(owned).into();
    ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        publish_not_ready_addresses: Some(true),
        ..cluster(selector, vec![LINK.service(), NODE_HTTP.service()])
    }
}
