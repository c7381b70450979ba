//! All that the watches have told: what reconciles observe, without asking the API server.

#![deny(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::facts::{Cached, ObjectKey};
use crate::api::{Broadcast, Mixnet, PullSecret};

/// The most sets of pods whose last refusal is kept.
const REFUSALS: usize = 512;

/// A custom resource's place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What is there, as far as is known. Cheap to clone; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    mixnets: BTreeMap<Place, Arc<Mixnet>>,
    broadcasts: BTreeMap<Place, Arc<Broadcast>>,
    objects: BTreeMap<ObjectKey, Arc<Cached>>,
    /// Why pods of a `StatefulSet`, `ReplicaSet` or Job were not even made.
    refusals: BTreeMap<ObjectKey, String>,
    /// With what the default account of each namespace pulls images, where it has something.
    account_secrets: BTreeMap<String, Vec<PullSecret>>,
}

impl Cache {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn mixnet(&self, place: &Place) -> Option<Arc<Mixnet>> {
        self.lock().mixnets.get(place).cloned()
    }

    pub(crate) fn broadcast(&self, place: &Place) -> Option<Arc<Broadcast>> {
        self.lock().broadcasts.get(place).cloned()
    }

    pub(crate) fn mixnets(&self) -> Vec<Place> {
        self.lock().mixnets.keys().cloned().collect()
    }

    pub(crate) fn broadcasts(&self) -> Vec<Place> {
        self.lock().broadcasts.keys().cloned().collect()
    }

    /// The Broadcasts for a Mixnet.
    pub(crate) fn broadcasts_of(&self, mixnet: &Place) -> Vec<Place> {
        let inner = self.lock();
        let of = |(place, broadcast): (&Place, &Arc<Broadcast>)| {
            (place.namespace == mixnet.namespace && broadcast.spec.mixnet == mixnet.name)
                .then(|| place.clone())
        };
        inner.broadcasts.iter().filter_map(of).collect()
    }

    /// The objects in a namespace that `wanted` wants.
    pub(crate) fn objects(
        &self,
        namespace: &str,
        wanted: impl Fn(&Cached) -> bool,
    ) -> Vec<Arc<Cached>> {
        let inner = self.lock();
        let objects = inner.objects.values();
        objects
            .filter(|object| object.key.namespace == namespace && wanted(object))
            .cloned()
            .collect()
    }

    /// Why no pods were made by the workloads of this namespace whose names begin so, each with
    /// its workload's name.
    pub(crate) fn refusals(&self, namespace: &str, prefix: &str) -> Vec<(String, String)> {
        let inner = self.lock();
        let refusals = inner.refusals.iter();
        refusals
            .filter(|(key, _)| key.namespace == namespace && key.name.starts_with(prefix))
            .map(|(key, message)| (key.name.clone(), message.clone()))
            .collect()
    }

    /// Takes an object in; returns what was known of it before.
    pub(crate) fn put(&self, object: Arc<Cached>) -> Option<Arc<Cached>> {
        self.lock().objects.insert(object.key.clone(), object)
    }

    pub(crate) fn remove(&self, key: &ObjectKey) -> Option<Arc<Cached>> {
        self.lock().objects.remove(key)
    }

    /// Forgets the objects of a kind, in one namespace or all, that are not among these: what a
    /// watch that began anew did not list. Returns them.
    pub(crate) fn retain(
        &self,
        kind: &str,
        namespace: Option<&str>,
        listed: &BTreeSet<ObjectKey>,
    ) -> Vec<Arc<Cached>> {
        let mut inner = self.lock();
        let gone: Vec<_> = inner
            .objects
            .keys()
            .filter(|key| key.kind == kind && namespace.is_none_or(|name| name == key.namespace))
            .filter(|key| !listed.contains(key))
            .cloned()
            .collect();
        gone.iter().filter_map(|key| inner.objects.remove(key)).collect()
    }

    pub(crate) fn put_mixnet(&self, place: Place, mixnet: Mixnet) {
        self.lock().mixnets.insert(place, Arc::new(mixnet));
    }

    pub(crate) fn remove_mixnet(&self, place: &Place) -> Option<Arc<Mixnet>> {
        self.lock().mixnets.remove(place)
    }

    pub(crate) fn put_broadcast(&self, place: Place, broadcast: Broadcast) {
        self.lock().broadcasts.insert(place, Arc::new(broadcast));
    }

    pub(crate) fn remove_broadcast(&self, place: &Place) -> Option<Arc<Broadcast>> {
        self.lock().broadcasts.remove(place)
    }

    pub(crate) fn put_refusal(&self, workload: ObjectKey, message: String) {
        let refusals = &mut self.lock().refusals;
        if refusals.len() < REFUSALS || refusals.contains_key(&workload) {
            refusals.insert(workload, message);
        }
    }

    /// With what a namespace's default account pulls images.
    pub(crate) fn account_secrets(&self, namespace: &str) -> Vec<PullSecret> {
        self.lock().account_secrets.get(namespace).cloned().unwrap_or_default()
    }

    /// Takes in what a namespace's default account has; returns whether it is new.
    pub(crate) fn put_account_secrets(&self, namespace: &str, secrets: &[PullSecret]) -> bool {
        let all = &mut self.lock().account_secrets;
        let before = if secrets.is_empty() {
            all.remove(namespace)
        } else {
            all.insert(namespace.to_owned(), secrets.to_vec())
        };
        before.unwrap_or_default() != secrets
    }

    /// The event that told of it is gone, as they all are after an hour.
    pub(crate) fn remove_refusal(&self, workload: &ObjectKey) {
        self.lock().refusals.remove(workload);
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::Facts;
    use super::*;

    fn object(kind: &str, namespace: &str, name: &str) -> Cached {
        Cached {
            key: ObjectKey {
                kind: kind.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            },
            uid: "u".to_owned(),
            resource_version: "1".to_owned(),
            fingerprint: None,
            mixnet: Some("m".to_owned()),
            broadcast: None,
            controller: None,
            deleting: false,
            facts: Facts::Nothing,
        }
    }

    #[test]
    fn a_watch_that_began_anew_forgets_what_it_did_not_list_and_nothing_else() {
        let cache = Cache::default();
        let kept = object("Service", "a", "one");
        let gone = object("Service", "a", "two");
        for object in [&kept, &gone, &object("Service", "b", "two"), &object("Secret", "a", "two")]
        {
            cache.put(Arc::new(object.clone()));
        }
        let listed = BTreeSet::from([kept.key.clone()]);
        let forgotten = cache.retain("Service", Some("a"), &listed);
        assert_eq!(forgotten.iter().map(|object| &object.key).collect::<Vec<_>>(), [&gone.key]);
        assert_eq!(cache.objects("a", |_| true).len(), 2);
        assert_eq!(cache.objects("b", |_| true).len(), 1);
        assert_eq!(cache.retain("Service", None, &listed).len(), 1);
    }
}
