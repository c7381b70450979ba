//! The task around the mixing pool: takes packets in, sleeps until one is due, lets it go.

use std::sync::Arc;
use std::time::Instant;

use mixbed_link::Alarm;
use mixbed_wire::{DropReason, NodeId, Packet};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use super::pool::MixPool;
use super::{Place, Stay};
use crate::links::{LinkKind, LinkTable};

/// Batches taken in before it is looked which packets are due.
const BATCH: usize = 32;

/// A packet that waits for its time.
pub(crate) struct Held {
    pub(crate) release: Instant,
    pub(crate) kind: LinkKind,
    pub(crate) next: NodeId,
    pub(crate) packet: Packet,
    pub(crate) stay: Stay,
    /// Its place in the pool, given back when it leaves.
    pub(crate) place: Place,
}

/// Hands packets to the pool, or drops them if it cannot take them. Does not block.
pub(crate) fn hand_over(mixing: &mpsc::Sender<Vec<Held>>, batch: Vec<Held>) {
    let (batch, reason) = match mixing.try_send(batch) {
        Ok(()) => return,
        Err(TrySendError::Full(batch)) => (batch, DropReason::PoolFull),
        Err(TrySendError::Closed(batch)) => (batch, DropReason::Stopped),
    };
    let now = Instant::now();
    for held in batch {
        held.stay.dropped(now, reason);
    }
}

/// Starts the task; it ends when all senders of `incoming` are gone, and drops what it held.
pub(crate) fn spawn_mixing(
    mut incoming: mpsc::Receiver<Vec<Held>>,
    bound: usize,
    links: Arc<LinkTable>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pool = MixPool::new(bound);
        let mut alarm = Alarm::default();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let due = pool.next_release();
            tokio::select! {
                count = incoming.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    for held in batch.drain(..).flatten() {
                        take_in(&mut pool, held);
                    }
                }
                () = alarm.until(due) => {}
            }
            let now = Instant::now();
            while let Some(Held { kind, next, packet, mut stay, place, .. }) = pool.pop_due(now) {
                drop(place);
                stay.released(now);
                links.send(kind, next, packet, stay);
            }
        }
    })
}

fn take_in(pool: &mut MixPool<Held>, held: Held) {
    if let Err(held) = pool.push(held.release, held) {
        held.stay.dropped(Instant::now(), DropReason::PoolFull);
    }
}
