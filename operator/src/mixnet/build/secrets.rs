//! The Secrets.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::Plan;
use crate::api::STATE_COMPONENT;
use crate::child::Child;
use crate::mixnet::secrets::Kept;

/// The directory's key, the admin key, each set's keys, and an empty one that the directory fills.
pub(super) fn secrets(plan: Plan) -> Vec<Child> {
    let secret = |name: String, component: &str, data: Option<BTreeMap<String, ByteString>>| {
        Child::of(&Secret {
            metadata: plan.owner().metadata(name, plan.labels(component)),
            data,
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        })
    };
    let kept = |stem: &str, component: &str, kept: &Kept| {
        let name = plan.owner().unique(stem);
        secret(name, component, Some(kept.entries.clone())).only_if(kept.only_if())
    };
    let (names, secrets) = (plan.names(), plan.secrets);
    let mut children = vec![
        kept(&names.authority(), "directory", &secrets.authority_key),
        kept(&names.admin(), "admin", &secrets.admin_key),
    ];
    for set in plan.mixnet.sets() {
        let stem = set.keys_secret();
        if let Some(keys) = secrets.keys.get(&stem) {
            children.push(kept(&stem, set.kind.role(), keys));
        }
    }
    // Without data: what is in it is the directory's.
    children.push(secret(secrets.state().to_owned(), STATE_COMPONENT, None));
    children
}
