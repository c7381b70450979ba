//! What holds where a spec says nothing.

#![deny(clippy::disallowed_methods)]

use crate::api::{EveryPod, MixnetSpec, PodDefaults, PullSecret, Scheduling};
use crate::installation::Installation;

/// What an operator was installed with, and what is known of a namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// What the operator was installed with: its images, and what bounds specs.
    pub installation: Installation,
    /// Of all pods.
    pub pods: PodDefaults,
    /// With which secrets the namespace's default service account pulls images: pods with an account
    /// of their own do not have them.
    pub account_secrets: Vec<PullSecret>,
}

impl Defaults {
    /// The same, in a namespace whose default account has these.
    #[must_use]
    pub fn with_account(&self, account_secrets: Vec<PullSecret>) -> Self {
        Self { account_secrets, ..self.clone() }
    }

    /// What all pods of a Mixnet have.
    #[must_use]
    pub fn pods(&self, spec: &MixnetSpec) -> EveryPod {
        spec.pods.or(&self.pods.pods)
    }

    /// Where they run.
    #[must_use]
    pub fn scheduling(&self, spec: &MixnetSpec) -> Scheduling {
        spec.scheduling.or(&self.pods.scheduling)
    }
}
