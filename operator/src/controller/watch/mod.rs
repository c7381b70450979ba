//! The watches: they fill the cache, and say whom a change concerns.

mod accounts;
mod objects;
mod refusals;
mod resources;
mod stream;

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    ConfigMap, Event as ClusterEvent, Pod, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Client, Resource};
use mixbed_telemetry::Health;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::accounts::Accounts;
use self::objects::Objects;
use self::refusals::Refusals;
use self::resources::{Custom, Resources};
use super::cache::{Cache, Place};
use super::facts::{ObjectKey, Observe};
use super::queue::Target;
use crate::api::{Broadcast, FIELD_MANAGER, MANAGED_BY_LABEL, Mixnet};

/// What a watch tells the one who reconciles.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// Something that concerns this has changed.
    Changed(Target),
    /// An object of ours is gone.
    Gone(ObjectKey),
    /// A Mixnet is gone: this was it.
    MixnetGone(Place, Arc<Mixnet>),
    /// A Broadcast is gone: this was its uid.
    BroadcastGone(Option<String>),
    /// A watch has told of everything that there is.
    Synced,
}

/// What all watches share.
#[derive(Clone)]
pub(crate) struct Watches {
    pub(crate) client: Client,
    pub(crate) cache: Cache,
    pub(crate) told: mpsc::UnboundedSender<Told>,
    pub(crate) health: Health,
}

impl Watches {
    /// Starts all of them, for one namespace or for all. Each is a condition of being ready.
    /// Returns how many there are.
    pub(crate) fn start(&self, namespace: Option<&str>, tasks: &mut JoinSet<()>) -> usize {
        let before = tasks.len();
        self.resources::<Mixnet>(namespace, tasks);
        self.resources::<Broadcast>(namespace, tasks);
        self.objects::<Pod>(namespace, tasks);
        self.objects::<StatefulSet>(namespace, tasks);
        self.objects::<Deployment>(namespace, tasks);
        self.objects::<Secret>(namespace, tasks);
        self.objects::<ConfigMap>(namespace, tasks);
        self.objects::<Job>(namespace, tasks);
        self.objects::<PartialObjectMeta<Service>>(namespace, tasks);
        self.objects::<PartialObjectMeta<ServiceAccount>>(namespace, tasks);
        self.objects::<PartialObjectMeta<Role>>(namespace, tasks);
        self.objects::<PartialObjectMeta<RoleBinding>>(namespace, tasks);
        self.objects::<PartialObjectMeta<NetworkPolicy>>(namespace, tasks);
        self.objects::<PartialObjectMeta<PodDisruptionBudget>>(namespace, tasks);
        self.refusals(namespace, tasks);
        self.accounts(namespace, tasks);
        tasks.len() - before
    }

    /// Objects of one kind that bear the operator's label.
    fn objects<K>(&self, namespace: Option<&str>, tasks: &mut JoinSet<()>)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Observe
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        let selector = format!("{MANAGED_BY_LABEL}={FIELD_MANAGER}");
        let config = watcher::Config::default().labels(&selector);
        let sink = Objects::new(K::kind(&()).into_owned(), namespace, self);
        self.watch(self.api::<K>(namespace), config, namespace, sink, tasks);
    }

    fn resources<K>(&self, namespace: Option<&str>, tasks: &mut JoinSet<()>)
    where
        K: Custom + Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let sink = Resources::new(namespace, self);
        self.watch(self.api::<K>(namespace), watcher::Config::default(), namespace, sink, tasks);
    }

    /// Pods that were refused: their workloads have no condition that says so.
    fn refusals(&self, namespace: Option<&str>, tasks: &mut JoinSet<()>) {
        let config = watcher::Config::default().fields("reason=FailedCreate,type=Warning");
        let sink = Refusals::new(self);
        self.watch(self.api::<ClusterEvent>(namespace), config, namespace, sink, tasks);
    }

    /// Accounts whose pods get their secrets without being told.
    fn accounts(&self, namespace: Option<&str>, tasks: &mut JoinSet<()>) {
        let named = format!("metadata.name={}", accounts::DEFAULT);
        let config = watcher::Config::default().fields(&named);
        let sink = Accounts::new(self);
        self.watch(self.api::<ServiceAccount>(namespace), config, namespace, sink, tasks);
    }

    fn api<K>(&self, namespace: Option<&str>) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
}
