//! Objects that the operator makes for others, whatever their kind.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use kube::Resource;
use kube::core::{ApiResource, DynamicObject, ObjectMeta};
use serde::Serialize;

use crate::api::{
    COMPONENT_LABEL, FIELD_MANAGER, INSTANCE_LABEL, MANAGED_BY_LABEL, MIXNET_LABEL, NAME_LABEL,
};

/// An object that is to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Its kind.
    pub resource: ApiResource,
    /// All that is wanted of it; what is not named is left to others.
    pub object: DynamicObject,
    /// What must be true for it to be written.
    pub only_if: OnlyIf,
}

/// What must be true for an object to be written.
///
/// What can be written anew at any time has no condition. What was drawn has one: a watch that
/// lags would otherwise have keys drawn again, and written over those that are in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnlyIf {
    /// Nothing.
    #[default]
    Any,
    /// There is no object of that name: it is created, and a conflict means to look again.
    Absent,
    /// The object has this `resourceVersion`: it goes into the metadata of what is applied (not
    /// into its hash), and a conflict means to look again.
    Version(String),
}

impl Child {
    /// Of an object with its metadata, which may be written at any time.
    ///
    /// # Panics
    ///
    /// Never with types of Kubernetes: all are plain JSON with text as keys.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the types of k8s-openapi are plain JSON")]
    pub fn of<K>(object: &K) -> Self
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        let object = serde_json::to_value(object).and_then(serde_json::from_value);
        let mut object: DynamicObject = object.expect("an object of Kubernetes is plain JSON");
        let resource = ApiResource::erase::<K>(&());
        object.types = Some(kube::core::TypeMeta {
            api_version: resource.api_version.clone(),
            kind: resource.kind.clone(),
        });
        Self { resource, object, only_if: OnlyIf::Any }
    }

    /// The same, written only if this holds.
    #[must_use]
    pub fn only_if(self, only_if: OnlyIf) -> Self {
        Self { only_if, ..self }
    }

    /// Its kind, such as `StatefulSet`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.resource.kind
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.object.metadata.namespace.as_deref().unwrap_or_default()
    }
}

/// Whose the children are: an object of ours that is in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    reference: OwnerReference,
    namespace: String,
    mixnet: String,
}

impl Owner {
    /// This object, which belongs to this Mixnet (or is it); nothing if it was never in a cluster,
    /// and has no uid yet.
    #[must_use]
    pub fn new<K: Resource<DynamicType = ()>>(owner: &K, mixnet: &str) -> Option<Self> {
        // As the other controllers do: it is removed only after its children, if one asks so.
        let reference = OwnerReference {
            block_owner_deletion: Some(true),
            controller: Some(true),
            ..owner.owner_ref(&())?
        };
        let namespace = owner.meta().namespace.clone()?;
        Some(Self { reference, namespace, mixnet: mixnet.to_owned() })
    }

    /// The owner's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.reference.name
    }

    /// Its namespace, which is that of its children.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The Mixnet that all this belongs to.
    #[must_use]
    pub fn mixnet(&self) -> &str {
        &self.mixnet
    }

    /// A name that no other object in the cluster has, whatever names users choose: it ends with the
    /// owner's uid, which the API server draws. For accounts, for what their roles name, and for
    /// what pods mount.
    #[must_use]
    pub fn unique(&self, stem: &str) -> String {
        format!("{stem}-{}", self.reference.uid)
    }

    /// Whether it controls the object with this metadata.
    #[must_use]
    pub fn controls(&self, metadata: &ObjectMeta) -> bool {
        let mut owners = metadata.owner_references.iter().flatten();
        owners.any(|owner| owner.controller == Some(true) && owner.uid == self.reference.uid)
    }

    /// Metadata of a child: its name, labels and owner.
    #[must_use]
    pub fn metadata(&self, name: impl Into<String>, labels: Labels) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.into()),
            namespace: Some(self.namespace.clone()),
            labels: Some(labels),
            owner_references: Some(vec![self.reference.clone()]),
            ..ObjectMeta::default()
        }
    }

    /// All labels of a child that does this.
    #[must_use]
    pub fn labels(&self, component: &str) -> Labels {
        let own = [
            (NAME_LABEL, "mixbed"),
            (INSTANCE_LABEL, &self.mixnet),
            (MANAGED_BY_LABEL, FIELD_MANAGER),
        ];
        self.selector(component).into_iter().chain(own.map(owned)).collect()
    }

    /// Those of its labels by which its pods are found; they never change.
    #[must_use]
    pub fn selector(&self, component: &str) -> Labels {
        [(MIXNET_LABEL, self.mixnet.as_str()), (COMPONENT_LABEL, component)].map(owned).into()
    }
}

/// Labels, or what is asked of them.
pub type Labels = BTreeMap<String, String>;

/// A label in the form that the types of Kubernetes take.
#[must_use]
pub fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Pods that have all these labels.
#[must_use]
pub fn matching(labels: Labels) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), match_expressions: None }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;
    use crate::api::{Mixnet, MixnetSpec};

    fn owner() -> Owner {
        let mut mixnet = Mixnet::new("net", MixnetSpec::default());
        mixnet.metadata.namespace = Some("space".to_owned());
        mixnet.metadata.uid = Some("1-2-3".to_owned());
        Owner::new(&mixnet, "net").expect("it has a uid")
    }

    #[test]
    fn a_child_knows_its_kind_and_its_owner() {
        let owner = owner();
        let metadata = owner.metadata("net-x", owner.labels("mix"));
        assert!(owner.controls(&metadata));
        let child = Child::of(&ConfigMap { metadata, ..ConfigMap::default() });
        assert_eq!(
            (child.kind(), child.namespace(), child.name()),
            ("ConfigMap", "space", "net-x")
        );
        let text = serde_json::to_value(&child.object).expect("JSON");
        assert_eq!(text["apiVersion"], "v1");
        assert_eq!(text["kind"], "ConfigMap");
        let reference = &text["metadata"]["ownerReferences"][0];
        assert_eq!(reference["kind"], "Mixnet");
        assert_eq!(reference["apiVersion"], "mixbed.dev/v1alpha1");
        assert_eq!(reference["controller"], true);
        assert_eq!(text["metadata"]["labels"]["app.kubernetes.io/component"], "mix");
    }

    #[test]
    fn what_others_own_is_not_ours() {
        let owner = owner();
        assert!(!owner.controls(&ObjectMeta::default()));
        let mut metadata = owner.metadata("net-x", Labels::new());
        if let Some(reference) = metadata.owner_references.iter_mut().flatten().next() {
            reference.uid = "another".to_owned();
        }
        assert!(!owner.controls(&metadata));
        let never_in_a_cluster = Mixnet::new("net", MixnetSpec::default());
        assert!(Owner::new(&never_in_a_cluster, "net").is_none());
    }
}
