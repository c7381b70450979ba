//! Follows the directories of all Mixnets: who is listed in which epoch.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mixbed_directory::{Document, Follower, FollowerConfig, NodeList, Trust};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::cache::Place;
use super::queue::Target;
use super::watch::Told;
use crate::api::DIRECTORY_PORT;
use crate::mixnet::Names;

/// Follows as many directories as there are Mixnets. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Directories {
    /// Where all of them are said to be; otherwise each is asked at its Service.
    at: Option<String>,
    told: mpsc::UnboundedSender<Told>,
    followed: Arc<Mutex<BTreeMap<Place, Followed>>>,
}

struct Followed {
    trust: Trust,
    follower: Follower,
    task: AbortHandle,
    /// It was waited for once.
    awaited: bool,
    /// The list of nodes that it was told last.
    admits: Option<NodeList>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Directories {
    pub(crate) fn new(at: Option<String>, told: mpsc::UnboundedSender<Told>) -> Self {
        Self { at, told, followed: Arc::default() }
    }

    /// Where a Mixnet's directory is.
    pub(crate) fn url(&self, place: &Place) -> String {
        let Place { namespace, name } = place;
        self.at.clone().unwrap_or_else(|| {
            format!("mixbed://{}.{namespace}.svc:{DIRECTORY_PORT}", Names(name).directory())
        })
    }

    /// The document of a Mixnet's directory, if that has given one. From now on its changes are
    /// told.
    pub(crate) fn document(&self, place: &Place, trust: &Trust) -> Option<Arc<Document>> {
        let mut directories = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = directories.get(place)
            && known.trust == *trust
        {
            return known.follower.current();
        }
        let config = FollowerConfig::new(self.url(place), trust.clone());
        match Follower::start(config) {
            Ok(follower) => {
                let (told, target) = (self.told.clone(), Target::Mixnet(place.clone()));
                let mut changes = follower.clone();
                let task = tokio::spawn(async move {
                    loop {
                        changes.changed().await;
                        if told.send(Told::Changed(target.clone())).is_err() {
                            return;
                        }
                    }
                });
                let task = task.abort_handle();
                let trust = trust.clone();
                let known = Followed { trust, follower, task, awaited: false, admits: None };
                directories.insert(place.clone(), known);
            }
            Err(error) => tracing::warn!(%place, %error, "the directory cannot be followed"),
        }
        None
    }

    /// The same, and if there is no document yet, it is waited for, once: an operator that has just
    /// started must not take a directory for silent that it has not asked yet.
    pub(crate) async fn first_document(
        &self,
        place: &Place,
        trust: &Trust,
        within: Duration,
    ) -> Option<Arc<Document>> {
        if let Some(document) = self.document(place, trust) {
            return Some(document);
        }
        let follower = {
            let mut directories = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
            let known = directories.get_mut(place)?;
            if std::mem::replace(&mut known.awaited, true) {
                return None;
            }
            known.follower.clone()
        };
        follower.wait_for(within, |_| true).await.ok()
    }

    /// Whether a directory was told this list of nodes, and no other after it.
    pub(crate) fn admits(&self, place: &Place, nodes: &NodeList) -> bool {
        let directories = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        directories.get(place).is_some_and(|known| known.admits.as_ref() == Some(nodes))
    }

    /// It has been.
    pub(crate) fn set_admits(&self, place: &Place, nodes: NodeList) {
        let mut directories = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = directories.get_mut(place) {
            known.admits = Some(nodes);
        }
    }

    /// A Mixnet is gone.
    pub(crate) fn forget(&self, place: &Place) {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
    }

    /// Another replica works.
    pub(crate) fn forget_all(&self) {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
