//! What a Mixnet consists of: its nodes, and where its services are.

#![deny(clippy::disallowed_methods)]

use mixbed_directory::Document;

use crate::api::{DIRECTORY_PORT, Endpoints, MINER_PORT, MONEROD_PORT, NodeState};
use crate::mixnet::observe::Observed;
use crate::mixnet::{Names, ValidMixnet};

/// The nodes that are wanted, and how they are.
pub(super) fn nodes(
    observed: &Observed,
    valid: &ValidMixnet,
    document: Option<&Document>,
    before: &[NodeState],
) -> Vec<NodeState> {
    let state = |name: String, role: &str, layer| {
        let ready = observed.pod(&name).is_some_and(|pod| pod.ready);
        let listed = match document {
            Some(document) => document.nodes.iter().any(|node| node.name == name),
            // The directory is away: as it was last told.
            None => before.iter().any(|node| node.name == name && node.listed),
        };
        NodeState { name, role: role.to_owned(), layer, ready, listed }
    };
    let sets = valid.sets();
    let states = sets
        .iter()
        .flat_map(|set| set.pod_names().map(|name| state(name, set.kind.role(), set.kind.layer())));
    states.collect()
}

/// Where its services are.
pub(super) fn endpoints(observed: &Observed, valid: &ValidMixnet) -> Endpoints {
    let (names, namespace) = (Names(valid.name()), &observed.ours.namespace);
    let url = |service: String, port: u16| format!("http://{service}.{namespace}.svc:{port}");
    let providers = 0..valid.spec.providers.replicas;
    Endpoints {
        directory: format!("mixbed://{}.{namespace}.svc:{DIRECTORY_PORT}", names.directory()),
        miner: url(names.miner(), MINER_PORT),
        monerods: providers.map(|number| url(names.provider_pod(number), MONEROD_PORT)).collect(),
        jaeger: valid.spec.tracing.jaeger.clone(),
    }
}
