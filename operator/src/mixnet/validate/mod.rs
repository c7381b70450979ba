//! Whether a Mixnet can be made as its spec says.
//!
//! The definition in the cluster refuses most of what is wrong at once; what it cannot see, or an
//! older one let through, is found here: all of it, each with what to do.

#![deny(clippy::disallowed_methods)]

mod every_pod;
mod images;
mod links;
mod numbers;
mod outside;
mod pods;

pub use images::PullImages;
pub(crate) use images::check as check_images;

use super::{Defaults, NodeSet, Problem};
use crate::api::{Mixnet, MixnetSpec, PullSecret};
use crate::child::Owner;
use crate::installation::Network;

/// The longest name: with the names of its parts that of a pod has at most 63 characters, and
/// that of a revision too.
const LONGEST_NAME: usize = 40;

/// A Mixnet that can be made.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidMixnet {
    /// What makes the objects its own.
    pub owner: Owner,
    /// Its spec, with the operator's defaults for its pods.
    pub spec: MixnetSpec,
    /// With which secrets pods that have an account of their own pull images, if the spec names none.
    pub account_secrets: Vec<PullSecret>,
    /// Its images.
    pub images: PullImages,
    /// What its document is to say.
    pub parameters: mixbed_directory::Parameters,
    /// Nodes that it takes besides its pods.
    pub outside: Vec<mixbed_directory::ListedNode>,
    /// What its network policies are made of.
    pub network: Network,
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
pub fn validate(mixnet: &Mixnet, defaults: &Defaults) -> Result<ValidMixnet, Vec<Problem>> {
    let mut problems = Problems::default();
    let name = mixnet.metadata.name.as_deref().unwrap_or_default();
    check_name(name, &mut problems);
    let owner = Owner::new(mixnet, name);
    if owner.is_none() {
        problems.add("metadata", "it is in no cluster: it has no namespace or no uid", "apply it");
    }
    let spec = MixnetSpec {
        pods: defaults.pods(&mixnet.spec),
        scheduling: defaults.scheduling(&mixnet.spec),
        ..mixnet.spec.clone()
    };
    let images = images::check(&spec.images, &defaults.installation, &mut problems);
    numbers::check(&spec, &mut problems);
    pods::check(&spec, &mut problems);
    let parameters = links::check(name, &spec, &mut problems);
    let outside = outside::check(name, &spec, &mut problems);
    match (owner, images, parameters) {
        (Some(owner), Some(images), Some(parameters)) if problems.0.is_empty() => {
            let account_secrets = defaults.account_secrets.clone();
            let network = defaults.installation.network.clone();
            Ok(ValidMixnet { owner, spec, account_secrets, images, parameters, outside, network })
        }
        _ => Err(problems.0),
    }
}

fn check_name(name: &str, problems: &mut Problems) {
    let bytes = name.as_bytes();
    let inside = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let good = (1..=LONGEST_NAME).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last() != Some(&b'-')
        && bytes.iter().all(inside);
    if !good {
        problems.add(
            "metadata.name",
            format!(
                "{name:?} cannot begin the names of pods and Services: 1 to {LONGEST_NAME} of a-z, 0-9 and -, a letter first and no - last"
            ),
            "make a Mixnet with another name",
        );
    }
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Problem::new(path, what, remedy));
    }
}

#[cfg(test)]
mod tests;
