//! What is known of a Mixnet: from the watches, and from its directory's document.

#![deny(clippy::disallowed_methods)]

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;

use super::Names;
use crate::api::Mixnet;
use crate::apply::Ours;
use crate::controller::cache::{Cache, Place};
use crate::controller::facts::{Cached, Facts};
use crate::controller::pod::PodFacts;

/// A Mixnet, and all objects that have its label.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) mixnet: Arc<Mixnet>,
    pub(crate) ours: Ours,
    pub(crate) objects: Vec<Arc<Cached>>,
    /// Why pods of its workloads were not even made; each with the workload's name.
    pub(crate) refused: Vec<(String, String)>,
}

impl Observed {
    /// From the caches; nothing if it is not there, or on its way out: then it is left to the
    /// garbage collector.
    pub(crate) fn new(cache: &Cache, place: &Place) -> Option<Self> {
        let mixnet = cache.mixnet(place)?;
        if mixnet.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let uid = mixnet.metadata.uid.clone()?;
        let Place { namespace, name } = place.clone();
        let objects = cache.objects(&namespace, |object| {
            object.broadcast.is_none() && object.mixnet.as_deref() == Some(&*name)
        });
        let refused = cache.refusals(&namespace, &format!("{name}-"));
        let ours = Ours { kind: "Mixnet", namespace, name, uid };
        Some(Self { mixnet, ours, objects, refused })
    }

    pub(crate) fn place(&self) -> Place {
        Place { namespace: self.ours.namespace.clone(), name: self.ours.name.clone() }
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.objects.iter().filter_map(|object| match &object.facts {
            Facts::Secret(secret) if !object.deleting => Some(&**secret),
            _ => None,
        })
    }

    /// The pod of this name.
    pub(super) fn pod(&self, name: &str) -> Option<&PodFacts> {
        self.objects.iter().find_map(|object| match &object.facts {
            Facts::Pod(pod) if object.key.name == name => Some(pod),
            _ => None,
        })
    }

    /// The miner's pod; while one takes another's place, the newer's state does not matter.
    pub(super) fn miner(&self) -> Option<&PodFacts> {
        let prefix = format!("{}-", Names(&self.ours.name).miner());
        let mut pods = self.objects.iter().filter_map(|object| match &object.facts {
            Facts::Pod(pod) if object.key.name.starts_with(&prefix) => Some(pod),
            _ => None,
        });
        let first = pods.next()?;
        Some(if first.ready { first } else { pods.find(|pod| pod.ready).unwrap_or(first) })
    }

    /// Whether all pods are of the newest spec, no more and no fewer.
    pub(super) fn settled(&self) -> bool {
        self.objects.iter().all(|object| match &object.facts {
            Facts::Workload(workload) => workload.settled,
            _ => true,
        })
    }

    /// Why the pods of this workload were not made.
    pub(super) fn refusal(&self, workload: &str) -> Option<&str> {
        // A Deployment's pods are its ReplicaSet's, which has a suffix.
        let is = |name: &str| {
            name == workload
                || name
                    .strip_prefix(workload)
                    .is_some_and(|rest| rest.starts_with('-') && !rest[1..].contains('-'))
        };
        self.refused.iter().find(|(name, _)| is(name)).map(|(_, message)| &**message)
    }
}
