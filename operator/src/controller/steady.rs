//! The loop: what the watches tell goes into the queue, what is due is reconciled.

use std::collections::HashMap;
use std::time::Instant;

use kube::Resource as _;
use mixbed_telemetry::Health;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::cache::Place;
use super::events::Notice;
use super::queue::{Again, Queue, Target};
use super::watch::Told;
use super::work::Work;
use crate::api::Mixnet;

/// Reconciles at once: each is one connection or four to the API server.
const AT_ONCE: usize = 4;

pub(crate) struct Loop {
    work: Work,
    /// Without a bound, since nothing waits here: what is told is taken at once, and what is told
    /// of one resource several times is one entry of the queue.
    tellings: mpsc::UnboundedReceiver<Told>,
    leading: watch::Receiver<bool>,
    /// Watches that have not told of everything yet. Before, nothing is reconciled: what is not
    /// known would be taken for missing.
    unsynced: usize,
    health: Health,
    queue: Queue,
    running: JoinSet<Again>,
    targets: HashMap<Id, Target>,
}

impl Loop {
    pub(crate) fn new(
        work: Work,
        tellings: mpsc::UnboundedReceiver<Told>,
        leading: watch::Receiver<bool>,
        unsynced: usize,
        health: Health,
    ) -> Self {
        Self {
            work,
            tellings,
            leading,
            unsynced,
            health,
            queue: Queue::default(),
            running: JoinSet::new(),
            targets: HashMap::new(),
        }
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        self.health.set_ready(true);
        let mut leads = *self.leading.borrow_and_update();
        self.say(leads);
        loop {
            if leads && self.unsynced == 0 {
                self.begin();
            }
            let next = self
                .queue
                .next()
                .filter(|_| leads && self.unsynced == 0 && self.running.len() < AT_ONCE);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Ok(()) = self.leading.changed() => {
                    leads = *self.leading.borrow_and_update();
                    self.say(leads);
                    if leads { self.take_over() } else { self.let_go().await }
                }
                Some(told) = self.tellings.recv() => self.take(told, leads),
                Some(ended) = self.running.join_next_with_id() => self.ended(ended),
                () = until(next) => {}
            }
        }
        self.health.set_not_ready("stopping".to_owned());
        self.running.shutdown().await;
    }

    fn say(&self, leads: bool) {
        self.work.metrics.leader.set(i64::from(leads));
        tracing::info!("{}", if leads { "this replica works" } else { "this replica stands by" });
    }

    /// Begins what is due.
    fn begin(&mut self) {
        let now = Instant::now();
        while self.running.len() < AT_ONCE
            && let Some(target) = self.queue.pop(now)
        {
            let (work, of) = (self.work.clone(), target.clone());
            let handle = self.running.spawn(async move { work.reconcile(&of).await });
            self.targets.insert(handle.id(), target);
        }
        for kind in ["Mixnet", "Broadcast"] {
            self.work.metrics.waiting(kind, self.queue.waiting(kind));
        }
    }

    fn ended(&mut self, ended: Result<(Id, Again), tokio::task::JoinError>) {
        let (id, again) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(%error, "a reconcile ended early");
                (error.id(), Again::Failed)
            }
        };
        if let Some(target) = self.targets.remove(&id) {
            self.queue.done(&target, again, Instant::now());
        }
    }

    fn take(&mut self, told: Told, leads: bool) {
        let now = Instant::now();
        match told {
            Told::Synced => self.unsynced = self.unsynced.saturating_sub(1),
            Told::Gone(key) => self.work.mixnets.engine.forget(&key),
            Told::Changed(target) => {
                if let Target::Mixnet(place) = &target {
                    self.push_broadcasts(place, now);
                }
                self.queue.push(target, now);
            }
            Told::MixnetGone(place, mixnet) => {
                self.push_broadcasts(&place, now);
                self.work.mixnets.directories.forget(&place);
                self.gone(mixnet.metadata.uid.as_deref());
                if leads {
                    self.say_what_stays(&place, &mixnet);
                }
            }
            Told::BroadcastGone(uid) => self.gone(uid.as_deref()),
        }
    }

    fn push_broadcasts(&mut self, mixnet: &Place, now: Instant) {
        for place in self.work.mixnets.cache.broadcasts_of(mixnet) {
            self.queue.push(Target::Broadcast(place), now);
        }
    }

    fn gone(&self, uid: Option<&str>) {
        if let Some(uid) = uid {
            self.work.mixnets.statuses.forget(uid);
        }
    }

    /// Of all that a Mixnet had, only volumes that it was told to keep are not collected.
    fn say_what_stays(&self, place: &Place, mixnet: &Mixnet) {
        let keeps = mixnet.spec.storage.as_ref().is_some_and(|storage| storage.keep);
        if !keeps {
            tracing::info!("Mixnet {place} is gone, and all that it had is being removed");
            return;
        }
        let note = format!(
            "the PersistentVolumeClaims stay, as storage.keep says; kubectl --namespace {} delete pvc --selector {}={} removes them",
            place.namespace,
            crate::api::MIXNET_LABEL,
            place.name
        );
        tracing::info!("Mixnet {place} is gone; {note}");
        let (events, about) = (self.work.mixnets.statuses.events().clone(), mixnet.object_ref(&()));
        tokio::spawn(async move {
            events.publish(&about, Notice::normal("VolumesKept", note)).await;
        });
    }

    /// This replica works from now on: whatever was done is found out anew.
    fn take_over(&mut self) {
        let now = Instant::now();
        let cache = &self.work.mixnets.cache;
        let all = cache.mixnets().into_iter().map(Target::Mixnet);
        let all: Vec<_> =
            all.chain(cache.broadcasts().into_iter().map(Target::Broadcast)).collect();
        for target in all {
            self.queue.push(target, now);
        }
    }

    /// Another replica works: nothing goes on here.
    async fn let_go(&mut self) {
        self.running.shutdown().await;
        self.targets.clear();
        self.queue.clear();
        self.work.mixnets.engine.forget_all();
        self.work.mixnets.statuses.forget_all();
        self.work.mixnets.directories.forget_all();
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
