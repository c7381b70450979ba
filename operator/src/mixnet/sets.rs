//! The five sets of nodes.

use super::names::{Names, keys_secret};
use crate::api::{LAYER_LABEL, MixnetSpec, NODE_LABEL, PodSettings};
use crate::child::{Labels, owned};

/// What the nodes of a set do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Clients come in here.
    Gateway,
    /// A layer, 1 to 3.
    Mix(u8),
    /// Transactions go out here.
    Provider,
}

impl NodeKind {
    /// The role, as the label of the component and `mixbed node --role` have it.
    #[must_use]
    pub fn role(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Mix(_) => "mix",
            Self::Provider => "provider",
        }
    }

    /// A mix's layer.
    #[must_use]
    pub fn layer(self) -> Option<u8> {
        match self {
            Self::Mix(layer) => Some(layer),
            Self::Gateway | Self::Provider => None,
        }
    }

    /// The labels that its pods have besides those of the role.
    #[must_use]
    pub fn labels(self) -> Labels {
        let layer = self.layer().map(|layer| (LAYER_LABEL.to_owned(), layer.to_string()));
        layer.into_iter().chain([owned((NODE_LABEL, "true"))]).collect()
    }
}

/// Nodes of one kind: a StatefulSet.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSet {
    /// What they do.
    pub kind: NodeKind,
    /// The StatefulSet's name.
    pub name: String,
    /// How many are wanted.
    pub replicas: i32,
    /// What the spec says of their pods.
    pub pods: PodSettings,
}

impl NodeSet {
    /// All five, in the order of a packet's way.
    #[must_use]
    pub fn all(mixnet: &str, spec: &MixnetSpec) -> [Self; 5] {
        let MixnetSpec { gateways, mixes, providers, .. } = spec;
        let names = Names(mixnet);
        let mix = |layer| {
            let (kind, pods) = (NodeKind::Mix(layer), mixes.pods.clone());
            Self { kind, name: names.mix(layer), replicas: mixes.per_layer, pods }
        };
        [
            Self {
                kind: NodeKind::Gateway,
                name: names.gateway(),
                replicas: gateways.replicas,
                pods: gateways.pods.clone(),
            },
            mix(1),
            mix(2),
            mix(3),
            Self {
                kind: NodeKind::Provider,
                name: names.provider(),
                replicas: providers.replicas,
                pods: providers.pods.clone(),
            },
        ]
    }

    /// The names of its pods, which are those of the nodes.
    pub fn pod_names(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.replicas).map(|number| format!("{}-{number}", self.name))
    }

    /// Whether a pod of this set has this name, or would have if there were more of them.
    pub(super) fn may_be_called(&self, name: &str) -> bool {
        let number = name.strip_prefix(&*self.name).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The Secret with the pods' keys.
    #[must_use]
    pub fn keys_secret(&self) -> String {
        keys_secret(&self.name)
    }
}
