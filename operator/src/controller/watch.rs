//! The watches: they fill the cache, and say whom a change concerns.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt as _;
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
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource};
use mixbed_telemetry::{Condition, Health};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::cache::{Cache, Place};
use super::facts::{Cached, Facts, ObjectKey, Observe};
use super::pod::shortened;
use super::queue::Target;
use crate::api::{Broadcast, FIELD_MANAGER, MANAGED_BY_LABEL, Mixnet};

/// Objects listed at once: a page is held in full while it is read.
const PAGE: u32 = 50;

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
        let sink = Objects {
            kind: K::kind(&()).into_owned(),
            namespace: namespace.map(str::to_owned),
            watches: self.clone(),
            listed: BTreeSet::new(),
        };
        self.watch(self.api::<K>(namespace), config, namespace, sink, tasks);
    }

    fn resources<K>(&self, namespace: Option<&str>, tasks: &mut JoinSet<()>)
    where
        K: Custom + Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let sink = Resources {
            namespace: namespace.map(str::to_owned),
            watches: self.clone(),
            listed: BTreeSet::new(),
        };
        self.watch(self.api::<K>(namespace), watcher::Config::default(), namespace, sink, tasks);
    }

    /// Pods that were refused: their workloads have no condition that says so.
    fn refusals(&self, namespace: Option<&str>, tasks: &mut JoinSet<()>) {
        let config = watcher::Config::default().fields("reason=FailedCreate,type=Warning");
        let sink = Refusals { watches: self.clone() };
        self.watch(self.api::<ClusterEvent>(namespace), config, namespace, sink, tasks);
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

    /// Watches for ever. A watch that breaks is begun anew, and until then the operator says that
    /// it is not ready.
    fn watch<K, S>(
        &self,
        api: Api<K>,
        config: watcher::Config,
        namespace: Option<&str>,
        mut sink: S,
        tasks: &mut JoinSet<()>,
    ) where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
        S: Sink<K> + Send + 'static,
    {
        let plural = K::plural(&()).into_owned();
        let place = namespace.map_or_else(String::new, |name| format!(" in {name}"));
        let synced = self.health.condition(&format!("watch of {plural}{place}"));
        let told = self.told.clone();
        tasks.spawn(async move {
            let mut first = true;
            let events = watcher(api, config.page_size(PAGE)).default_backoff();
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => {
                        let complete = matches!(event, Event::InitDone);
                        sink.take(event);
                        if complete {
                            synced.met();
                        }
                        if complete && std::mem::take(&mut first) {
                            let _ = told.send(Told::Synced);
                        }
                    }
                    Err(error) => complain(&plural, &place, &error, &synced),
                }
            }
        });
    }
}

/// Says what a failed watch is about, and what to do.
fn complain(plural: &str, place: &str, error: &watcher::Error, synced: &Condition) {
    let status = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    };
    let why = match status {
        // Too old to go on from, after a pause: begun anew at once, and of no interest.
        Some(status) if status.code == 410 => return,
        Some(status) if status.is_forbidden() => {
            format!("the operator may not list and watch {plural}{place}: its role must allow it")
        }
        Some(status) if status.is_not_found() => format!(
            "the cluster does not know {plural}: install the chart's CRDs, or start with --install-crds"
        ),
        _ => format!("{plural}{place} cannot be watched: {error}"),
    };
    tracing::warn!("{why}");
    synced.unmet(why);
}

/// What takes a watch's events.
trait Sink<K> {
    fn take(&mut self, event: Event<K>);
}

struct Objects {
    kind: String,
    namespace: Option<String>,
    watches: Watches,
    listed: BTreeSet<ObjectKey>,
}

impl Objects {
    /// Tells whom it concerns.
    fn tell(&self, object: &Cached) {
        let place =
            |name: &String| Place { namespace: object.key.namespace.clone(), name: name.clone() };
        // Of a Broadcast's objects its Mixnet does not care.
        let target = match (&object.broadcast, &object.mixnet) {
            (Some(name), _) => Target::Broadcast(place(name)),
            (None, Some(name)) => Target::Mixnet(place(name)),
            (None, None) => return,
        };
        let _ = self.watches.told.send(Told::Changed(target));
    }

    fn put(&self, object: Cached) {
        let object = Arc::new(object);
        let before = self.watches.cache.put(Arc::clone(&object));
        if before.is_none_or(|before| differs(&before, &object)) {
            self.tell(&object);
        }
    }

    fn gone(&self, object: &Cached) {
        let _ = self.watches.told.send(Told::Gone(object.key.clone()));
        self.tell(object);
    }
}

/// Whether a change may matter to anybody.
fn differs(before: &Cached, after: &Cached) -> bool {
    match (&before.facts, &after.facts) {
        // The directory writes its state with each document.
        (Facts::Secret(was), Facts::Secret(is)) if was.data == is.data => {
            before.fingerprint != after.fingerprint || before.deleting != after.deleting
        }
        _ => {
            before.facts != after.facts
                || before.fingerprint != after.fingerprint
                || before.deleting != after.deleting
                || before.controller != after.controller
        }
    }
}

impl<K: Resource<DynamicType = ()> + Observe> Sink<K> for Objects {
    fn take(&mut self, event: Event<K>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                let Some(object) = Cached::of(&self.kind, object) else { return };
                self.listed.insert(object.key.clone());
                self.put(object);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let gone =
                    self.watches.cache.retain(&self.kind, self.namespace.as_deref(), &listed);
                for object in &gone {
                    self.gone(object);
                }
            }
            Event::Apply(object) => {
                if let Some(object) = Cached::of(&self.kind, object) {
                    self.put(object);
                }
            }
            Event::Delete(object) => {
                if let Some(object) = Cached::of(&self.kind, object) {
                    self.watches.cache.remove(&object.key);
                    self.gone(&object);
                }
            }
        }
    }
}

/// What differs between the custom resources.
trait Custom: Sized {
    fn put(self, place: Place, cache: &Cache);
    fn remove(place: &Place, cache: &Cache) -> Option<Told>;
    fn all(cache: &Cache) -> Vec<Place>;
    fn target(place: Place) -> Target;
}

impl Custom for Mixnet {
    fn put(self, place: Place, cache: &Cache) {
        cache.put_mixnet(place, self);
    }

    fn remove(place: &Place, cache: &Cache) -> Option<Told> {
        let mixnet = cache.remove_mixnet(place)?;
        Some(Told::MixnetGone(place.clone(), mixnet))
    }

    fn all(cache: &Cache) -> Vec<Place> {
        cache.mixnets()
    }

    fn target(place: Place) -> Target {
        Target::Mixnet(place)
    }
}

impl Custom for Broadcast {
    fn put(self, place: Place, cache: &Cache) {
        cache.put_broadcast(place, self);
    }

    fn remove(place: &Place, cache: &Cache) -> Option<Told> {
        let broadcast = cache.remove_broadcast(place)?;
        Some(Told::BroadcastGone(broadcast.metadata.uid.clone()))
    }

    fn all(cache: &Cache) -> Vec<Place> {
        cache.broadcasts()
    }

    fn target(place: Place) -> Target {
        Target::Broadcast(place)
    }
}

struct Resources {
    namespace: Option<String>,
    watches: Watches,
    listed: BTreeSet<Place>,
}

impl Resources {
    fn put<K: Custom + Resource<DynamicType = ()>>(&self, mut object: K) -> Option<Place> {
        let meta = object.meta_mut();
        meta.managed_fields = None;
        let place = Place { namespace: meta.namespace.clone()?, name: meta.name.clone()? };
        object.put(place.clone(), &self.watches.cache);
        let _ = self.watches.told.send(Told::Changed(K::target(place.clone())));
        Some(place)
    }

    fn remove<K: Custom>(&self, place: &Place) {
        if let Some(told) = K::remove(place, &self.watches.cache) {
            let _ = self.watches.told.send(told);
        }
    }
}

impl<K: Custom + Resource<DynamicType = ()>> Sink<K> for Resources {
    fn take(&mut self, event: Event<K>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => self.listed.extend(self.put(object)),
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let ours = |place: &Place| {
                    self.namespace.as_ref().is_none_or(|name| *name == place.namespace)
                };
                for place in K::all(&self.watches.cache) {
                    if ours(&place) && !listed.contains(&place) {
                        self.remove::<K>(&place);
                    }
                }
            }
            Event::Apply(object) => {
                self.put(object);
            }
            Event::Delete(object) => {
                let meta = object.meta();
                if let (Some(namespace), Some(name)) = (meta.namespace.clone(), meta.name.clone()) {
                    self.remove::<K>(&Place { namespace, name });
                }
            }
        }
    }
}

struct Refusals {
    watches: Watches,
}

impl Sink<ClusterEvent> for Refusals {
    fn take(&mut self, event: Event<ClusterEvent>) {
        let cache = &self.watches.cache;
        match event {
            Event::Init | Event::InitDone => {}
            Event::InitApply(event) | Event::Apply(event) => {
                let Some(key) = workload(&event) else { return };
                // Whose it is, its name says: the Mixnet's comes first in it.
                let concerned = cache.mixnets().into_iter().filter(|place| {
                    place.namespace == key.namespace && key.name.starts_with(&place.name)
                });
                let concerned = concerned.map(Target::Mixnet).chain(
                    cache.broadcasts().into_iter().filter_map(|place| {
                        let it = place.namespace == key.namespace && key.name == place.name;
                        it.then_some(Target::Broadcast(place))
                    }),
                );
                let concerned: Vec<_> = concerned.collect();
                let message = event.message.as_deref().unwrap_or_default();
                cache.put_refusal(key, shortened(refusal(message)));
                for target in concerned {
                    let _ = self.watches.told.send(Told::Changed(target));
                }
            }
            Event::Delete(event) => {
                if let Some(key) = workload(&event) {
                    cache.remove_refusal(&key);
                }
            }
        }
    }
}

/// The reason in `Error creating: pods "m-miner-x2b7" is forbidden: exceeded quota`: the name before
/// it is another one with each try.
fn refusal(message: &str) -> &str {
    message.split_once(" is forbidden: ").map_or(message, |(_, reason)| reason)
}

/// What an event is about.
fn workload(event: &ClusterEvent) -> Option<ObjectKey> {
    let object = &event.involved_object;
    Some(ObjectKey {
        kind: object.kind.clone()?,
        namespace: object.namespace.clone()?,
        name: object.name.clone()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_with_other_names_are_refused_for_the_same_reason() {
        for name in ["m-miner-1", "m-miner-2"] {
            let message =
                format!("Error creating: pods \"{name}\" is forbidden: exceeded quota: q");
            assert_eq!(refusal(&message), "exceeded quota: q");
        }
        assert_eq!(refusal("no such claim"), "no such claim");
    }
}
