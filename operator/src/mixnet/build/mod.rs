//! All objects of a Mixnet, from its spec and its secrets alone.
//!
//! Which change of a spec restarts which pods follows from what is in the pods' templates:
//! parameters, impairments, network policies and numbers of replicas are in none of them.

#![deny(clippy::disallowed_methods)]

mod accounts;
pub mod amounts;
mod directory;
mod disruption;
mod miner;
mod monerod;
mod nodes;
pub(crate) mod pod;
mod policies;
mod ports;
mod secrets;
mod services;

use super::{Names, NetworkSecrets, ValidMixnet};
use crate::api::Resources;
use crate::child::{Child, Labels, Owner};

/// What all objects are made from.
#[derive(Clone, Copy)]
struct Plan<'a> {
    mixnet: &'a ValidMixnet,
    secrets: &'a NetworkSecrets,
}

impl<'a> Plan<'a> {
    fn names(self) -> Names<'a> {
        Names(self.mixnet.name())
    }

    fn owner(self) -> &'a Owner {
        &self.mixnet.owner
    }

    /// What no container asks less than, or is allowed less than.
    fn least(self) -> &'a Resources {
        &self.mixnet.spec.pods.at_least
    }

    /// The account of the directory's pod.
    fn directory_account(self) -> String {
        self.owner().unique(&self.names().directory())
    }

    fn labels(self, component: &str) -> Labels {
        self.owner().labels(component)
    }
}

/// The objects of a Mixnet, in the order in which they are to be applied: what pods need comes
/// before them.
#[must_use]
pub fn build(mixnet: &ValidMixnet, secrets: &NetworkSecrets) -> Vec<Child> {
    let plan = Plan { mixnet, secrets };
    let mut children = secrets::secrets(plan);
    children.push(monerod::peers(plan));
    children.extend(accounts::accounts(plan));
    children.extend(services::services(plan));
    if mixnet.spec.network_policies {
        children.extend(policies::policies(plan));
    }
    children.extend(disruption::budgets(plan));
    children.push(directory::directory(plan));
    children.extend(nodes::nodes(plan));
    children.push(miner::miner(plan));
    children
}
