//! The worker threads that unwrap: one a core, because Sphinx is all that costs time here.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use mixbed_wire::{DropReason, Exit, HopAddress, Packet, Unwrapped};

use super::{Held, KeySet, Origin, Place, Shares, Stay, Turn};

/// A packet as it came from a link.
pub(crate) struct Arrived {
    pub(crate) packet: Packet,
    pub(crate) origin: Arc<Origin>,
    pub(crate) stay: Stay,
}

/// A packet before the workers, and its place there.
struct Waiting {
    arrived: Arrived,
    turn: Turn,
}

/// Packets that a busy worker hands on together: each handing over may wake another thread, which
/// costs a tenth of an unwrap. Eight are 1 ms of a worker's time, the longest that one waits for
/// the others.
pub(crate) const BATCH: usize = 8;

/// What the rest of the node does with unwrapped packets. Called on the worker threads, so none of
/// it may wait.
pub(crate) trait Hop: Send + Sync + 'static {
    /// The packet is to be held, then passed on; nothing if it was dropped.
    fn forward(&self, forward: Forward) -> Option<Held>;
    /// Hold these.
    fn hold(&self, batch: Vec<Held>);
    /// The route ends here, and a client handed the packet in or a node.
    fn exit(&self, exit: Exit, from_client: bool, stay: Stay);
}

/// A packet to be passed on.
pub(crate) struct Forward {
    pub(crate) from_client: bool,
    /// Its place in the mixing pool.
    pub(crate) place: Place,
    pub(crate) next: HopAddress,
    pub(crate) delay: Duration,
    pub(crate) packet: Packet,
    pub(crate) stay: Stay,
}

/// The workers and the queue before them.
///
/// A worker ends when nobody is left to hand packets in: this and every [`Entrance`] dropped. It
/// is not joined, since whoever drops the last of them may be the runtime on its way down.
pub(crate) struct Workers {
    entrance: Entrance,
    keys: Arc<RwLock<KeySet>>,
}

impl Workers {
    /// Starts `count` threads behind a queue of as many packets as `shares` lets wait, `bound` at most.
    pub(crate) fn start(
        count: usize,
        bound: usize,
        shares: Arc<Shares>,
        name: &str,
        hop: &Arc<impl Hop>,
    ) -> std::io::Result<Self> {
        let (queue, arrivals) = crossbeam_channel::bounded(bound);
        let keys = Arc::new(RwLock::new(KeySet::default()));
        for number in 0..count {
            let (arrivals, keys, hop) = (arrivals.clone(), Arc::clone(&keys), Arc::clone(hop));
            let shares = Arc::clone(&shares);
            std::thread::Builder::new()
                .name(format!("{name} worker {number}"))
                .spawn(move || work(&arrivals, &keys, &shares, hop.as_ref()))?;
        }
        Ok(Self { entrance: Entrance { queue, shares }, keys })
    }

    /// From now on packets are unwrapped with these keys.
    pub(crate) fn set_keys(&self, keys: KeySet) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// A handle by which links bring packets in.
    pub(crate) fn entrance(&self) -> Entrance {
        self.entrance.clone()
    }
}

/// Where links hand packets in.
#[derive(Clone)]
pub(crate) struct Entrance {
    queue: Sender<Waiting>,
    shares: Arc<Shares>,
}

impl Entrance {
    /// Queues a packet for the workers, or sheds it at once: under overload, what is accepted must
    /// not wait behind what cannot be served. What one link has too much of is shed from it alone.
    /// Says whether it was queued.
    pub(crate) fn enter(&self, arrived: Arrived) -> bool {
        let turn = self.shares.turn(&arrived.origin);
        self.queue(arrived, turn)
    }

    /// Queues a packet for the workers as soon as it is its client's turn.
    pub(crate) async fn enter_in_turn(&self, arrived: Arrived) {
        let turn = self.shares.turn_of_client(&arrived.origin).await;
        self.queue(arrived, turn);
    }

    fn queue(&self, arrived: Arrived, turn: Result<Turn, DropReason>) -> bool {
        let (waiting, reason) = match turn {
            Ok(turn) => match self.queue.try_send(Waiting { arrived, turn }) {
                Ok(()) => return true,
                Err(TrySendError::Full(waiting)) => (waiting.arrived, DropReason::QueueFull),
                Err(TrySendError::Disconnected(waiting)) => (waiting.arrived, DropReason::Stopped),
            },
            Err(reason) => (arrived, reason),
        };
        waiting.stay.dropped(Instant::now(), reason);
        false
    }
}

fn work(arrivals: &Receiver<Waiting>, keys: &RwLock<KeySet>, shares: &Shares, hop: &impl Hop) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(Waiting { arrived, turn }) = next(arrivals, &mut batch, hop) {
        let Arrived { packet, origin, mut stay } = arrived;
        let from_client = origin.is_client();
        drop(turn);
        stay.dequeued(Instant::now());
        let keys = keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        match keys.open(&packet).and_then(|opened| opened.unwrap(packet)) {
            Ok(unwrapped) => {
                stay.unwrapped(Instant::now());
                match unwrapped {
                    Unwrapped::Forward { next, delay, packet } => {
                        let place = match shares.hold(&origin) {
                            Ok(place) => place,
                            Err(reason) => {
                                stay.dropped(Instant::now(), reason);
                                continue;
                            }
                        };
                        let forward = Forward { from_client, place, next, delay, packet, stay };
                        batch.extend(hop.forward(forward));
                    }
                    Unwrapped::Exit(exit) => hop.exit(exit, from_client, stay),
                }
            }
            Err(reason) => stay.dropped(Instant::now(), reason),
        }
    }
}

/// The next packet to unwrap. What is in the batch goes on first if it is full or there is nothing
/// to do, so no packet waits for one that may never come.
fn next(arrivals: &Receiver<Waiting>, batch: &mut Vec<Held>, hop: &impl Hop) -> Option<Waiting> {
    if batch.len() < BATCH
        && let Ok(waiting) = arrivals.try_recv()
    {
        return Some(waiting);
    }
    if !batch.is_empty() {
        hop.hold(std::mem::replace(batch, Vec::with_capacity(BATCH)));
    }
    arrivals.recv().ok()
}
