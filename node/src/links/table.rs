//! Where packets can go from here, by id.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use mixbed_wire::{DropReason, NodeId, Packet};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::Peer;
use crate::packets::Stay;

/// A packet on its way out.
pub(crate) struct Outbound {
    pub(crate) packet: Packet,
    pub(crate) stay: Stay,
}

/// The way to a link's task. Cancelling `stop` ends the task.
#[derive(Clone)]
pub(crate) struct LinkQueue {
    pub(crate) queue: mpsc::Sender<Outbound>,
    pub(crate) stop: CancellationToken,
}

/// The links that packets can leave by: to other nodes, and at a gateway to its clients.
///
/// The locks are held for a look-up and a `try_send`, never while anything waits.
#[derive(Default)]
pub(crate) struct LinkTable {
    nodes: RwLock<HashMap<NodeId, (Peer, LinkQueue)>>,
    clients: RwLock<HashMap<NodeId, LinkQueue>>,
}

/// Whom a link leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkKind {
    Node,
    Client,
}

impl LinkTable {
    /// Queues a packet for its next hop, or drops it by name.
    pub(crate) fn send(&self, kind: LinkKind, next: NodeId, packet: Packet, stay: Stay) {
        let out = Outbound { packet, stay };
        let (outcome, gone) = match kind {
            LinkKind::Node => {
                let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
                (try_send(nodes.get(&next).map(|(_, link)| link), out), DropReason::LinkLost)
            }
            LinkKind::Client => {
                let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
                (try_send(clients.get(&next), out), DropReason::ClientOffline)
            }
        };
        match outcome {
            Ok(()) => {}
            Err(TrySendError::Full(out)) => {
                out.stay.dropped(Instant::now(), DropReason::LinkQueueFull);
            }
            Err(TrySendError::Closed(out)) => out.stay.dropped(Instant::now(), gone),
        }
    }

    /// Whom packets for `next` would go to from here now.
    pub(crate) fn kind(&self, next: NodeId) -> Option<LinkKind> {
        if self.nodes.read().unwrap_or_else(PoisonError::into_inner).contains_key(&next) {
            return Some(LinkKind::Node);
        }
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.contains_key(&next).then_some(LinkKind::Client)
    }

    /// Makes the links to nodes match `wanted`: keeps those that stay the same, stops the others,
    /// starts the new ones with `start`.
    pub(crate) fn set_nodes(
        &self,
        wanted: HashMap<NodeId, Peer>,
        start: impl Fn(Peer) -> LinkQueue,
    ) {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|id, (peer, link)| {
            let keep = wanted.get(id) == Some(peer);
            if !keep {
                link.stop.cancel();
            }
            keep
        });
        for (id, peer) in wanted {
            nodes.entry(id).or_insert_with(|| (peer.clone(), start(peer)));
        }
    }

    /// A client's link is up. A second one with the same key takes the first one's place.
    pub(crate) fn add_client(&self, id: NodeId, link: LinkQueue) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(previous) = clients.insert(id, link) {
            previous.stop.cancel();
        }
    }

    /// A client's link is gone; nothing happens if another has taken its place.
    pub(crate) fn remove_client(&self, id: NodeId, link: &LinkQueue) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        if clients.get(&id).is_some_and(|current| current.queue.same_channel(&link.queue)) {
            clients.remove(&id);
        }
    }
}

fn try_send(link: Option<&LinkQueue>, out: Outbound) -> Result<(), TrySendError<Outbound>> {
    match link {
        Some(link) => link.queue.try_send(out),
        None => Err(TrySendError::Closed(out)),
    }
}
