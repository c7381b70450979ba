//! The Secrets.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::Plan;
use crate::child::Child;

/// The network's, each set's, and an empty one that the directory fills.
pub(super) fn secrets(plan: Plan) -> Vec<Child> {
    let secret = |name: String, component: &str, data: Option<BTreeMap<String, ByteString>>| {
        Child::of(&Secret {
            metadata: plan.owner().metadata(name, plan.labels(component)),
            data,
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        })
    };
    let network = &plan.secrets.network;
    let entries = Some(network.entries.clone());
    let network_secret = secret(plan.names().network_secret(), "directory", entries);
    let mut children = vec![network_secret.only_if(network.only_if())];
    for set in plan.mixnet.sets() {
        let name = set.keys_secret();
        if let Some(kept) = plan.secrets.keys.get(&name) {
            let child = secret(name, set.kind.role(), Some(kept.entries.clone()));
            children.push(child.only_if(kept.only_if()));
        }
    }
    // Without data: what is in it is the directory's.
    children.push(secret(plan.names().directory_state(), "directory", None));
    children
}
