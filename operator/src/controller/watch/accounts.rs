//! The default service account of each namespace: with what its pods pull images.

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::runtime::watcher::Event;

use super::stream::Sink;
use super::{Told, Watches};
use crate::api::PullSecret;
use crate::controller::queue::Target;

/// The account of pods that name none.
pub(super) const DEFAULT: &str = "default";

/// How `OpenShift` names what it gives each account for its own registry: every account has its own.
const OWN_REGISTRY: &str = "default-dockercfg-";

/// Keeps in the cache what the default accounts have.
pub(super) struct Accounts {
    watches: Watches,
}

impl Accounts {
    pub(super) fn new(watches: &Watches) -> Self {
        Self { watches: watches.clone() }
    }

    fn put(&self, account: &ServiceAccount, secrets: &[PullSecret]) {
        let Some(namespace) = &account.metadata.namespace else { return };
        let cache = &self.watches.cache;
        if !cache.put_account_secrets(namespace, secrets) {
            return;
        }
        let mixnets = cache.mixnets().into_iter().map(Target::Mixnet);
        let broadcasts = cache.broadcasts().into_iter().map(Target::Broadcast);
        for target in mixnets.chain(broadcasts) {
            let (Target::Mixnet(place) | Target::Broadcast(place)) = &target;
            if place.namespace == *namespace {
                let _ = self.watches.told.send(Told::Changed(target));
            }
        }
    }
}

/// What others may have of it.
fn secrets(account: &ServiceAccount) -> Vec<PullSecret> {
    let all = account.image_pull_secrets.iter().flatten();
    let named = all.filter(|secret| !secret.name.starts_with(OWN_REGISTRY));
    named.map(|secret| PullSecret { name: secret.name.clone() }).collect()
}

impl Sink<ServiceAccount> for Accounts {
    fn take(&mut self, event: Event<ServiceAccount>) {
        match event {
            Event::InitApply(account) | Event::Apply(account) => {
                self.put(&account, &secrets(&account));
            }
            Event::Delete(account) => self.put(&account, &[]),
            // One that vanished in between belonged to a namespace that did.
            Event::Init | Event::InitDone => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::LocalObjectReference;

    use super::*;

    #[test]
    fn what_every_account_has_of_its_own_is_not_taken() {
        let names = ["registry", "default-dockercfg-x7k2p"];
        let references = names.map(|name| LocalObjectReference { name: name.to_owned() });
        let account = ServiceAccount {
            image_pull_secrets: Some(references.into()),
            ..ServiceAccount::default()
        };
        assert_eq!(secrets(&account), [PullSecret { name: "registry".to_owned() }]);
    }
}
