//! Pods that were refused, of which only the cluster's events tell.

use k8s_openapi::api::core::v1::Event as ClusterEvent;
use kube::runtime::watcher::Event;

use super::stream::Sink;
use super::{Told, Watches};
use crate::controller::facts::ObjectKey;
use crate::controller::pod::shortened;
use crate::controller::queue::Target;

/// Keeps in the cache why pods of a workload were refused.
pub(super) struct Refusals {
    watches: Watches,
}

impl Refusals {
    pub(super) fn new(watches: &Watches) -> Self {
        Self { watches: watches.clone() }
    }
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
