//! The custom resources: Mixnets and Broadcasts, as users write them.

use std::collections::BTreeSet;

use kube::Resource;
use kube::runtime::watcher::Event;

use super::stream::Sink;
use super::{Told, Watches};
use crate::api::{Broadcast, Mixnet};
use crate::controller::cache::{Cache, Place};
use crate::controller::queue::Target;

/// What differs between the custom resources.
pub(super) trait Custom: Sized {
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

/// Keeps the custom resources of one kind in the cache.
pub(super) struct Resources {
    namespace: Option<String>,
    watches: Watches,
    listed: BTreeSet<Place>,
}

impl Resources {
    pub(super) fn new(namespace: Option<&str>, watches: &Watches) -> Self {
        Self {
            namespace: namespace.map(str::to_owned),
            watches: watches.clone(),
            listed: BTreeSet::new(),
        }
    }

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
