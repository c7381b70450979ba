//! The task that sends a node's loops, and where they are counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mixbed_directory::{Document, Follower};
use mixbed_link::Alarm;
use mixbed_telemetry::LoopMetrics;
use mixbed_wire::{DropReason, Exit, LoopOutcome, NodeId, PoissonClock, judge};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{LoopTally, SealedLoop, Sensor, seal_loop};
use crate::packets::{Arrived, Books, Entrance, Origin, Stay};

/// How often the loops are judged.
const JUDGED_EVERY: Duration = Duration::from_secs(1);

/// While as many as this came back, all is well.
const RECENT: usize = 64;

/// A node's sensor, shared by the task that sends loops and the workers that meet them again. The
/// lock is held for a look-up.
#[derive(Clone, Debug)]
pub(crate) struct SharedSensor {
    sensor: Arc<Mutex<Sensor>>,
    metrics: LoopMetrics,
}

impl SharedSensor {
    pub(crate) fn new(metrics: LoopMetrics) -> Self {
        Self { sensor: Arc::default(), metrics }
    }

    fn lock(&self) -> MutexGuard<'_, Sensor> {
        // Its methods leave it whole at every point where they could panic.
        self.sensor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A packet ended at this node.
    ///
    /// # Errors
    /// [`DropReason::NotForThisRole`] if it is no loop that is waited for, and
    /// [`DropReason::BadPayload`] if it is one that was changed on the way.
    pub(crate) fn handle_exit(&self, exit: Exit, now: Instant) -> Result<(), DropReason> {
        let identifier = exit.identifier;
        let result = exit.plaintext().map(drop);
        let back = self.lock().handle_exit(&identifier, result.is_ok(), now);
        let (next, took) = back.ok_or(DropReason::NotForThisRole)?;
        match result {
            Ok(()) => self.metrics.returned(&next, took),
            Err(_) => self.metrics.lost(&next),
        }
        result
    }

    /// How the loops did, by the name of the next hop.
    pub(crate) fn tallies(&self) -> BTreeMap<String, LoopTally> {
        self.lock().tallies()
    }

    /// The last loops that ended, the latest last.
    pub(crate) fn outcomes(&self) -> Vec<LoopOutcome> {
        self.lock().outcomes()
    }

    /// Names what takes packets, in the metrics.
    fn show_verdict(&self, document: &Document) {
        let outcomes = self.outcomes();
        // Nothing is wrong, most of the time.
        let recent = &outcomes[outcomes.len().saturating_sub(RECENT)..];
        let lossy = recent.iter().any(|outcome| !outcome.returned);
        let verdict = lossy.then(|| judge(&outcomes)).flatten();
        let name = |id: NodeId| {
            document.node(&id).map_or_else(|| id.to_string(), |node| node.name.clone())
        };
        self.metrics.suspect.set(verdict.map(|verdict| verdict.culprit.name(name)).as_deref());
    }

    fn give_up_overdue(&self, now: Instant) {
        let mut sensor = self.lock();
        while let Some(next) = sensor.poll_lost(now) {
            self.metrics.lost(&next);
        }
    }
}

/// Sends loops at the document's rate.
pub(crate) struct Loops {
    pub(crate) id: NodeId,
    pub(crate) follower: Follower,
    pub(crate) entrance: Entrance,
    pub(crate) origin: Arc<Origin>,
    pub(crate) sensor: SharedSensor,
    pub(crate) books: Arc<Books>,
    pub(crate) stop: CancellationToken,
}

impl Loops {
    /// Until stopped.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.send()).await;
    }

    async fn send(&mut self) {
        let mut clock = PoissonClock::default();
        let mut alarm = Alarm::default();
        let mut document = self.take_document(&mut clock);
        let mut judged = tokio::time::interval(JUDGED_EVERY);
        judged.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let overdue = self.sensor.lock().poll_at();
            let due = clock.next_due().into_iter().chain(overdue).min();
            tokio::select! {
                () = self.follower.changed() => document = self.take_document(&mut clock),
                () = alarm.until(due) => {}
                _ = judged.tick() => {
                    if let Some(document) = &document {
                        self.sensor.show_verdict(document);
                    }
                }
            }
            let now = Instant::now();
            self.sensor.give_up_overdue(now);
            // One at a time: sealing takes half a millisecond, and others have to have a turn.
            if clock.poll_due(now, &mut rand::rng())
                && let Some(document) = &document
            {
                self.send_one(document);
            }
        }
    }

    fn take_document(&self, clock: &mut PoissonClock) -> Option<Arc<Document>> {
        let document = self.follower.current();
        let rate = document.as_ref().map_or(0.0, |document| document.parameters.rates.node_loop);
        clock.handle_rate(rate, Instant::now(), &mut rand::rng());
        if rate <= 0.0 {
            self.sensor.lock().handle_off();
        }
        if let Some(document) = &document {
            self.sensor.lock().retain(|name| document.by_name(name).is_some());
        }
        document
    }

    fn send_one(&self, document: &Document) {
        if !self.sensor.lock().has_room() {
            tracing::debug!(node = self.books.service.name(), "no loop: too many are under way");
            return;
        }
        let epoch = self.follower.epoch().unwrap_or(document.epoch);
        match seal_loop(self.id, document, epoch, &mut rand::rng()) {
            None => {}
            Some(Ok(SealedLoop { packet, identifier, next, hops, delays })) => {
                let now = Instant::now();
                self.sensor.lock().handle_sent(identifier, &next, hops, delays, now);
                let stay = Stay::made(&self.books, now);
                let arrived = Arrived { packet, origin: Arc::clone(&self.origin), stay };
                if self.entrance.enter(arrived) {
                    self.sensor.metrics.sent(&next);
                } else {
                    // Shed here, and counted as such: it says nothing about the others.
                    self.sensor.lock().handle_shed(&identifier);
                }
            }
            // A node published a key that is none.
            Some(Err(error)) => {
                tracing::warn!(node = self.books.service.name(), %error, "a loop was not sealed");
            }
        }
    }
}
