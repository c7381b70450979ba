//! What keeps a node in step with the document: its keys, its links, its place on the list.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use mixbed_directory::registrar::RegistrarCounters;
use mixbed_directory::{
    Descriptor, Document, Follower, FollowerState, Registrar, RegistrarConfig, RegistrarState,
    Role, SphinxKey,
};
use mixbed_telemetry::Condition;
use mixbed_wire::NodeId;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::links::{Dialler, LinkTable, Peer, spawn_link};
use crate::packets::{KeyRing, Workers};
use crate::replay_watch::{self, ReplayWatch};
use crate::topology;

/// Keeps a node's keys, links and descriptor in step with the document.
pub(crate) struct Keeper {
    pub(crate) id: NodeId,
    pub(crate) role: Role,
    pub(crate) descriptor: Descriptor,
    pub(crate) ring: KeyRing,
    pub(crate) workers: Workers,
    pub(crate) links: Arc<LinkTable>,
    pub(crate) dialler: Dialler,
    pub(crate) document: Arc<RwLock<Option<Arc<Document>>>>,
    pub(crate) registration: RegistrarConfig,
    /// Set with the first document: before it there is no epoch to make keys for.
    pub(crate) registrar: Arc<OnceLock<Registrar>>,
    pub(crate) listed: Condition,
    pub(crate) replay: ReplayWatch,
    pub(crate) stop: CancellationToken,
}

impl Keeper {
    /// Until stopped.
    pub(crate) async fn run(mut self, mut follower: Follower) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.keep_in_step(&mut follower)).await;
    }

    async fn keep_in_step(&mut self, follower: &mut Follower) {
        let mut registration = None;
        let mut look = tokio::time::interval(replay_watch::EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some((document, epoch)) = follower.current().zip(follower.epoch()) {
                self.handle_document(&document, epoch);
            } else if matches!(follower.state(), FollowerState::Expired { .. }) {
                // Keys do not outlive the documents that published them.
                self.ring.erase();
                self.workers.set_keys(self.ring.key_set());
            }
            self.say_where_it_stands(follower);
            if registration.is_none() {
                registration = self.registrar.get().map(Registrar::watch);
            }
            loop {
                tokio::select! {
                    () = follower.changed() => break,
                    () = changed(registration.as_mut()) => break,
                    _ = look.tick() => self.look(),
                }
            }
        }
    }

    /// Carries over what is counted elsewhere.
    fn look(&mut self) {
        self.replay.look(self.ring.room());
        let Some(registrar) = self.registrar.get() else { return };
        let RegistrarCounters { registered, rejected, unreachable } = &**registrar.counters();
        let metrics = &self.dialler.books.metrics;
        for (counter, metric) in [
            (registered, &metrics.registrations_registered),
            (rejected, &metrics.registrations_rejected),
            (unreachable, &metrics.registrations_unreachable),
        ] {
            metric.inc_by(counter.load(Relaxed).saturating_sub(metric.get()));
        }
    }

    fn say_where_it_stands(&self, follower: &Follower) {
        let registration = self.registrar.get().map(Registrar::state);
        if let Some(RegistrarState::Rejected { message, .. }) = registration {
            self.listed.unmet(format!("the directory does not admit this node: {message}"));
            return;
        }
        match follower.current() {
            Some(document) if document.node(&self.id).is_some() => self.listed.met(),
            Some(_) => self.listed.unmet(match registration {
                Some(RegistrarState::Connecting { last_error: Some(why), .. }) => {
                    format!("not registered: {why}")
                }
                Some(RegistrarState::Unregistered) => "it has left the network".to_owned(),
                _ => "not in the document yet".to_owned(),
            }),
            None => self.listed.unmet(follower.state().to_string()),
        }
    }

    fn handle_document(&mut self, document: &Arc<Document>, epoch: u64) {
        *self.document.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(document));
        self.replay.handle_parameters(&document.parameters, self.ring.room());
        let grace = document.parameters.key_grace();
        if self.ring.handle_epoch(epoch, grace, &mut rand::rng()) {
            self.workers.set_keys(self.ring.key_set());
            self.descriptor.sphinx_keys = self
                .ring
                .public()
                .into_iter()
                .map(|(epoch, key)| SphinxKey { epoch, key })
                .collect();
            self.publish();
        }
        if document.node(&self.id).is_none() {
            // Nobody would let it in yet; links that are up stay, to let out what is held.
            return;
        }
        let peers = topology::next_hops(self.role, document)
            .map(|node| {
                let (name, address) = (node.name.clone(), node.address.clone());
                let peer = Peer { name, address, key: node.link_key };
                (node.id(), (peer, node.sphinx_keys.clone()))
            })
            .collect();
        self.links.set_nodes(peers, |peer, standing| {
            spawn_link(self.dialler.clone(), peer, standing, self.stop.child_token())
        });
    }

    fn publish(&self) {
        let result = match self.registrar.get() {
            Some(registrar) => registrar.update(self.descriptor.clone()),
            None => Registrar::start(self.registration.clone(), self.descriptor.clone())
                .map(|registrar| drop(self.registrar.set(registrar))),
        };
        if let Err(error) = result {
            tracing::error!(node = self.descriptor.name, %error, "cannot register");
        }
    }
}

async fn changed(registration: Option<&mut watch::Receiver<RegistrarState>>) {
    if let Some(registration) = registration
        && registration.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}
