//! What is kept of each object that is watched: little, so that a large cluster's fits too.

#![deny(clippy::disallowed_methods)]

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::core::ObjectMeta;

use super::fingerprint::{Fingerprint, fingerprint};
use super::pod::PodFacts;
use crate::api::{BROADCAST_LABEL, COMPONENT_LABEL, MIXNET_LABEL, STATE_COMPONENT};

/// Which object: of all kinds that are watched no two have the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectKey {
    /// Such as `StatefulSet`.
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// An object that has the operator's label, as a watch last told of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cached {
    pub(crate) key: ObjectKey,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    /// What the API server says that the operator has set in it; nothing if it never has.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The Mixnet that its label names.
    pub(crate) mixnet: Option<String>,
    /// The Broadcast that its label names.
    pub(crate) broadcast: Option<String>,
    pub(crate) controller: Option<Controller>,
    /// It is on its way out.
    pub(crate) deleting: bool,
    pub(crate) facts: Facts,
}

/// The owner that controls an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Controller {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// What matters of each kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Facts {
    /// That it is there.
    Nothing,
    Pod(PodFacts),
    Workload(Workload),
    Secret(Box<Secret>),
    ConfigMap(Box<ConfigMap>),
    Job(Box<Job>),
}

/// How far a StatefulSet or Deployment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Workload {
    /// Its controller has seen the newest spec, and all pods are of it, no more and no fewer.
    pub(crate) settled: bool,
}

/// Objects from which facts can be drawn.
pub(crate) trait Observe {
    fn facts(self) -> Facts;
}

impl Cached {
    /// From an object; nothing if it lacks what every object in a cluster has.
    pub(crate) fn of<K: kube::Resource + Observe>(kind: &str, mut object: K) -> Option<Self> {
        let meta = object.meta_mut();
        let fingerprint = meta.managed_fields.take().as_deref().and_then(fingerprint);
        let ObjectMeta { name, namespace, uid, resource_version, labels, .. } = &*meta;
        let label = |name: &str| labels.as_ref().and_then(|labels| labels.get(name)).cloned();
        let key =
            ObjectKey { kind: kind.to_owned(), namespace: namespace.clone()?, name: name.clone()? };
        Some(Self {
            key,
            uid: uid.clone()?,
            resource_version: resource_version.clone()?,
            fingerprint,
            mixnet: label(MIXNET_LABEL),
            broadcast: label(BROADCAST_LABEL),
            controller: controller(meta),
            deleting: meta.deletion_timestamp.is_some(),
            facts: object.facts(),
        })
    }
}

/// The owner that controls the object with this metadata.
pub(crate) fn controller(meta: &ObjectMeta) -> Option<Controller> {
    let mut owners = meta.owner_references.iter().flatten();
    let owner = owners.find(|owner| owner.controller == Some(true))?;
    let (kind, name, uid) = (owner.kind.clone(), owner.name.clone(), owner.uid.clone());
    Some(Controller { kind, name, uid })
}

impl<K> Observe for kube::core::PartialObjectMeta<K> {
    fn facts(self) -> Facts {
        Facts::Nothing
    }
}

impl Observe for Pod {
    fn facts(self) -> Facts {
        Facts::Pod(PodFacts::of(&self))
    }
}

impl Observe for StatefulSet {
    fn facts(self) -> Facts {
        let wanted = self.spec.and_then(|spec| spec.replicas).unwrap_or(1);
        let settled = self.status.is_some_and(|status| {
            status.observed_generation >= self.metadata.generation
                && status.replicas == wanted
                && status.updated_replicas.unwrap_or_default() == wanted
        });
        Facts::Workload(Workload { settled })
    }
}

impl Observe for Deployment {
    fn facts(self) -> Facts {
        let wanted = self.spec.and_then(|spec| spec.replicas).unwrap_or(1);
        let settled = self.status.is_some_and(|status| {
            status.observed_generation >= self.metadata.generation
                && status.replicas.unwrap_or_default() == wanted
                && status.updated_replicas.unwrap_or_default() == wanted
        });
        Facts::Workload(Workload { settled })
    }
}

impl Observe for Secret {
    fn facts(mut self) -> Facts {
        // Nobody here reads what a directory or a Broadcast's pod writes, and they write often.
        let label = |name: &str| self.metadata.labels.as_ref().and_then(|labels| labels.get(name));
        let state = label(COMPONENT_LABEL).is_some_and(|component| component == STATE_COMPONENT);
        if state || label(BROADCAST_LABEL).is_some() {
            self.data = None;
        }
        Facts::Secret(Box::new(self))
    }
}

impl Observe for ConfigMap {
    fn facts(self) -> Facts {
        Facts::ConfigMap(Box::new(self))
    }
}

impl Observe for Job {
    fn facts(mut self) -> Facts {
        if let Some(spec) = &mut self.spec {
            spec.template = k8s_openapi::api::core::v1::PodTemplateSpec::default();
        }
        Facts::Job(Box::new(self))
    }
}
