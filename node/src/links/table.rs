//! Where packets can go from here, by id.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use mixbed_directory::Role;
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
pub(crate) struct LinkTable {
    role: Role,
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
    /// No links yet, at a node of this role.
    pub(crate) fn new(role: Role) -> Self {
        Self { role, nodes: RwLock::default(), clients: RwLock::default() }
    }

    /// Queues a packet for its next hop, or drops it by name.
    pub(crate) fn send(&self, next: NodeId, packet: Packet, stay: Stay) {
        let outcome = match self.queue_of(next) {
            Some(link) => link.queue.try_send(Outbound { packet, stay }),
            None => return stay.dropped(Instant::now(), self.gone()),
        };
        match outcome {
            Ok(()) => {}
            Err(TrySendError::Full(out)) => {
                out.stay.dropped(Instant::now(), DropReason::LinkQueueFull);
            }
            Err(TrySendError::Closed(out)) => {
                out.stay.dropped(Instant::now(), self.gone());
            }
        }
    }

    /// Why a packet cannot leave whose link was there when it came in.
    fn gone(&self) -> DropReason {
        match self.role {
            Role::Gateway => DropReason::ClientOffline,
            Role::Mix { .. } | Role::Provider => DropReason::LinkLost,
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

    fn queue_of(&self, next: NodeId) -> Option<LinkQueue> {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, link)) = nodes.get(&next) {
            return Some(link.clone());
        }
        self.clients.read().unwrap_or_else(PoisonError::into_inner).get(&next).cloned()
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
