//! Writes statuses and their events, when they change.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::events::{Events, Notice};
use crate::api::{Broadcast, BroadcastStatus, FIELD_MANAGER, Mixnet, MixnetStatus};

/// What became of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It was so already.
    Unchanged,
    Anew,
    /// The API server did not take it.
    Failed,
}

/// Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub(crate) struct Statuses {
    client: Client,
    events: Events,
    /// What was last written, by the resource's uid: the watch may be behind, and nobody else
    /// writes it.
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    mixnets: HashMap<String, MixnetStatus>,
    broadcasts: HashMap<String, BroadcastStatus>,
}

impl Statuses {
    pub(crate) fn new(client: Client, events: Events) -> Self {
        Self { client, events, known: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A Mixnet's status as it is now.
    pub(crate) fn mixnet(&self, mixnet: &Mixnet) -> MixnetStatus {
        let uid = mixnet.metadata.uid.as_deref().unwrap_or_default();
        let known = self.known().mixnets.get(uid).cloned();
        known.or_else(|| mixnet.status.clone()).unwrap_or_default()
    }

    /// A Broadcast's.
    pub(crate) fn broadcast(&self, broadcast: &Broadcast) -> Option<BroadcastStatus> {
        let uid = broadcast.metadata.uid.as_deref().unwrap_or_default();
        let known = self.known().broadcasts.get(uid).cloned();
        known.or_else(|| broadcast.status.clone())
    }

    pub(crate) async fn write_mixnet(
        &self,
        mixnet: &Mixnet,
        before: MixnetStatus,
        status: MixnetStatus,
        notices: BTreeSet<Notice>,
    ) -> Written {
        let written = self.write(mixnet, before != status, &status).await;
        if written == Written::Anew {
            self.known().mixnets.insert(mixnet.uid().unwrap_or_default(), status);
        }
        self.events.stand(&mixnet.object_ref(&()), notices).await;
        written
    }

    pub(crate) async fn write_broadcast(
        &self,
        broadcast: &Broadcast,
        before: Option<BroadcastStatus>,
        status: BroadcastStatus,
        notices: BTreeSet<Notice>,
    ) -> Written {
        let written = self.write(broadcast, before.as_ref() != Some(&status), &status).await;
        if written == Written::Anew {
            self.known().broadcasts.insert(broadcast.uid().unwrap_or_default(), status);
        }
        self.events.stand(&broadcast.object_ref(&()), notices).await;
        written
    }

    async fn write<K, S>(&self, object: &K, differs: bool, status: &S) -> Written
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
        S: Serialize,
    {
        if !differs {
            return Written::Unchanged;
        }
        let namespace = object.namespace().unwrap_or_default();
        let api: Api<K> = Api::namespaced(self.client.clone(), &namespace);
        let patch = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            // Not of another that has the name by now.
            "metadata": { "name": object.name_any(), "uid": object.uid() },
            "status": status,
        });
        let params = PatchParams {
            force: true,
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        match api.patch_status(&object.name_any(), &params, &Patch::Apply(&patch)).await {
            Ok(_) => Written::Anew,
            // It is gone, and with it its status.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Written::Unchanged,
            Err(error) => {
                let (kind, name) = (K::kind(&()), object.name_any());
                tracing::warn!("the status of {kind} {namespace}/{name} is not written: {error}");
                Written::Failed
            }
        }
    }

    /// A resource is gone.
    pub(crate) fn forget(&self, uid: &str) {
        let mut known = self.known();
        known.mixnets.remove(uid);
        known.broadcasts.remove(uid);
        drop(known);
        self.events.forget(uid);
    }

    /// Another replica may have written since.
    pub(crate) fn forget_all(&self) {
        *self.known() = Known::default();
    }

    pub(crate) fn events(&self) -> &Events {
        &self.events
    }
}
