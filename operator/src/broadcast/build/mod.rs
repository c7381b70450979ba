//! All objects of a Broadcast.

mod access;
mod job;
mod pod;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::{CANCELLED_ANNOTATION, ValidBroadcast, report_name, run_name};
use crate::api::{BROADCAST_LABEL, Broadcast};
use crate::child::{Child, Labels, Owner, owned};

/// The component of a Broadcast's objects.
const COMPONENT: &str = "broadcast";

/// The objects of a Broadcast, in the order in which they are to be applied.
#[must_use]
pub fn build(broadcast: &ValidBroadcast) -> Vec<Child> {
    let owner = &broadcast.owner;
    let mut children = vec![map(owner, broadcast.spec.cancelled), run(owner)];
    children.extend(access::access(owner));
    children.push(job::job(broadcast));
    children
}

/// The `ConfigMap` alone; nothing if the Broadcast was never in a cluster.
#[must_use]
pub fn report_map(broadcast: &Broadcast) -> Option<Child> {
    let owner = Owner::new(broadcast, &broadcast.spec.mixnet)?;
    Some(map(&owner, broadcast.spec.cancelled))
}

/// Without data: what is in it is the pod's, and stays when this is applied again.
fn map(owner: &Owner, cancelled: bool) -> Child {
    let mut metadata = owner.metadata(report_name(owner), labels(owner));
    if cancelled {
        metadata.annotations = Some([owned((CANCELLED_ANNOTATION, "true"))].into());
    }
    Child::of(&ConfigMap { metadata, ..ConfigMap::default() })
}

/// Without data, for the same reason.
fn run(owner: &Owner) -> Child {
    Child::of(&Secret {
        metadata: owner.metadata(run_name(owner), labels(owner)),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    })
}

fn labels(owner: &Owner) -> Labels {
    let mut labels = owner.labels(COMPONENT);
    labels.extend([owned((BROADCAST_LABEL, owner.name()))]);
    labels
}
