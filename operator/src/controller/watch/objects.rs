//! The objects that bear the operator's label: those that Mixnets and Broadcasts are made of.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::Resource;
use kube::runtime::watcher::Event;

use super::stream::Sink;
use super::{Told, Watches};
use crate::controller::cache::Place;
use crate::controller::facts::{Cached, Facts, ObjectKey, Observe};
use crate::controller::queue::Target;

/// Keeps in the cache what is known of the objects of one kind.
pub(super) struct Objects {
    kind: String,
    namespace: Option<String>,
    watches: Watches,
    listed: BTreeSet<ObjectKey>,
}

impl Objects {
    pub(super) fn new(kind: String, namespace: Option<&str>, watches: &Watches) -> Self {
        Self {
            kind,
            namespace: namespace.map(str::to_owned),
            watches: watches.clone(),
            listed: BTreeSet::new(),
        }
    }

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
