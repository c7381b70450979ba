//! Objects as they were built, ready to be compared and applied.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{ApiResource, DynamicObject};
use sha2::{Digest as _, Sha256};

use crate::api::APPLIED_ANNOTATION;
use crate::child::{Child, OnlyIf};
use crate::controller::facts::ObjectKey;

/// All objects that are to be there for one custom resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prepared {
    children: Vec<PreparedChild>,
    keys: BTreeSet<ObjectKey>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PreparedChild {
    pub(crate) key: ObjectKey,
    pub(crate) resource: ApiResource,
    /// With its hash as an annotation.
    pub(crate) object: DynamicObject,
    /// Of the object as it was built.
    pub(crate) hash: String,
    pub(crate) only_if: OnlyIf,
}

impl Prepared {
    pub(crate) fn new(children: Vec<Child>) -> Self {
        let children: Vec<_> = children.into_iter().map(PreparedChild::of).collect();
        let keys = children.iter().map(|child| child.key.clone()).collect();
        Self { children, keys }
    }

    /// What pods rely on, and what makes pods.
    pub(crate) fn parts(&self) -> (&[PreparedChild], &[PreparedChild]) {
        let relied_upon = self.children.iter().take_while(|child| !child.makes_pods()).count();
        self.children.split_at(relied_upon)
    }

    pub(crate) fn has(&self, key: &ObjectKey) -> bool {
        self.keys.contains(key)
    }
}

impl PreparedChild {
    /// Whether it is a workload.
    fn makes_pods(&self) -> bool {
        matches!(self.key.kind.as_str(), "StatefulSet" | "Deployment" | "Job")
    }

    /// Whether a pod takes what is in it for its own, or gets rights from it.
    pub(super) fn is_trusted_by_pods(&self) -> bool {
        let kind = self.key.kind.as_str();
        matches!(kind, "ServiceAccount" | "Role" | "RoleBinding" | "ConfigMap" | "Secret")
    }

    fn of(child: Child) -> Self {
        let key = ObjectKey {
            kind: child.kind().to_owned(),
            namespace: child.namespace().to_owned(),
            name: child.name().to_owned(),
        };
        let Child { resource, mut object, only_if } = child;
        // What does not serialize cannot be applied either, and the apply says so.
        let text = serde_json::to_string(&object).unwrap_or_default();
        let hash = hex::encode(&Sha256::digest(text)[..8]);
        let annotations = object.metadata.annotations.get_or_insert_default();
        annotations.insert(APPLIED_ANNOTATION.to_owned(), hash.clone());
        Self { key, resource, object, hash, only_if }
    }
}

/// How the API server calls a kind that is built.
pub(super) fn resource(kind: &str) -> Option<ApiResource> {
    let all = [
        ApiResource::erase::<StatefulSet>(&()),
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<Job>(&()),
        ApiResource::erase::<ConfigMap>(&()),
        ApiResource::erase::<Secret>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<ServiceAccount>(&()),
        ApiResource::erase::<Role>(&()),
        ApiResource::erase::<RoleBinding>(&()),
        ApiResource::erase::<NetworkPolicy>(&()),
        ApiResource::erase::<PodDisruptionBudget>(&()),
    ];
    all.into_iter().find(|resource| resource.kind == kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kube::core::ObjectMeta;

    use super::*;

    fn prepared(value: &str) -> PreparedChild {
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some("m-monerod".to_owned()),
                namespace: Some("n".to_owned()),
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from([("peers".to_owned(), value.to_owned())])),
            ..ConfigMap::default()
        };
        PreparedChild::of(Child::of(&map))
    }

    #[test]
    fn the_hash_changes_with_the_object_and_with_nothing_else() {
        assert_eq!(prepared("a"), prepared("a"));
        assert_ne!(prepared("a").hash, prepared("b").hash);
        let child = prepared("a");
        let annotations = child.object.metadata.annotations.expect("the hash");
        assert_eq!(annotations[APPLIED_ANNOTATION], child.hash);
        assert_eq!(child.key.to_string(), "ConfigMap m-monerod");
    }
}
