//! Whether a Mixnet can be made as its spec says.

#![deny(clippy::disallowed_methods)]

use super::{NodeSet, Problem};
use crate::api::{Mixnet, MixnetSpec};
use crate::child::Owner;

/// The images that the operator was installed with, for specs that name none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefaultImages {
    /// The image with `mixbed`; empty: there is none.
    pub mixbed: String,
    /// The image with monerod and monero-wallet-rpc; empty: there is none.
    pub monero: String,
}

/// The images that pods run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullImages {
    /// The image with `mixbed`.
    pub mixbed: String,
    /// The image with monerod and monero-wallet-rpc.
    pub monero: String,
    /// When they are fetched; nothing: as Kubernetes does it.
    pub policy: Option<String>,
}

/// A Mixnet that can be made.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidMixnet {
    /// What makes the objects its own.
    pub owner: Owner,
    /// Its spec.
    pub spec: MixnetSpec,
    /// Its images.
    pub images: PullImages,
    /// What its document is to say.
    pub parameters: mixbed_directory::Parameters,
}

impl ValidMixnet {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.owner.mixnet()
    }

    /// Its sets of nodes.
    #[must_use]
    pub fn sets(&self) -> [NodeSet; 5] {
        NodeSet::all(self.name(), &self.spec)
    }
}

/// Looks at all of a Mixnet; all that is wrong with it at once.
pub fn validate(mixnet: &Mixnet, defaults: &DefaultImages) -> Result<ValidMixnet, Vec<Problem>> {
    let mut problems = Vec::new();
    let name = mixnet.metadata.name.clone().unwrap_or_default();
    let owner = Owner::new(mixnet, &name);
    if owner.is_none() {
        problems.push(Problem::new(
            "metadata",
            "it has no namespace or uid",
            "make it in a cluster first",
        ));
    }
    let spec = mixnet.spec.clone();
    let images = PullImages {
        mixbed: spec.images.mixbed.clone().unwrap_or_else(|| defaults.mixbed.clone()),
        monero: spec.images.monero.clone().unwrap_or_else(|| defaults.monero.clone()),
        policy: spec.images.pull_policy.clone(),
    };
    let parameters = spec.parameters.in_document(&spec.impairments);
    if let Err(error) = &parameters {
        problems.push(Problem::new("spec.parameters", error.to_string(), "change it"));
    }
    match (owner, parameters) {
        (Some(owner), Ok(parameters)) if problems.is_empty() => {
            Ok(ValidMixnet { owner, spec, images, parameters })
        }
        _ => Err(problems),
    }
}
