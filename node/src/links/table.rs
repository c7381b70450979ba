//! Where packets can go from here, by id.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use mixbed_directory::SphinxKey;
use mixbed_wire::{DropReason, NodeId, Packet};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::{Announcer, Peer, Standing};
pub(crate) use crate::core::LinkKind;
use crate::packets::{Part, Place, Share, Source, Stay};

/// A packet on a link's way: out of this node, or held on an impaired one into it.
pub(crate) struct Outbound {
    pub(crate) packet: Packet,
    pub(crate) stay: Stay,
    /// Its place among those that wait for clients, given back when it is written.
    #[expect(dead_code, reason = "being there is all it does")]
    pub(crate) place: Option<Place>,
}

/// The way to a link's task. Cancelling `stop` ends the task.
#[derive(Clone)]
pub(crate) struct LinkQueue {
    pub(crate) queue: mpsc::Sender<Outbound>,
    pub(crate) stop: CancellationToken,
    /// What waits in a client's queue.
    pub(crate) waiting: Source,
}

/// A link to another node.
struct NodeLink {
    peer: Peer,
    link: LinkQueue,
    announcer: Announcer,
}

/// The links that packets can leave by: to other nodes, and at a gateway to its clients.
///
/// The locks are held for a look-up and a `try_send`, never while anything waits.
pub(crate) struct LinkTable {
    nodes: RwLock<HashMap<NodeId, NodeLink>>,
    clients: RwLock<HashMap<NodeId, LinkQueue>>,
    for_clients: Share,
}

/// One client's queue may be as long as a 64th of the packets that may still wait for any: of
/// 32,768, alone, 504, which is more than its own bound; and beside 4,000 that take nothing, 8.
const OF_ONE_CLIENT: Part = Part { times: 1, over: 64 };

impl LinkTable {
    /// No links; `client_queues` packets may wait for all clients together.
    pub(crate) fn new(client_queues: usize) -> Self {
        let for_clients = Share::new(client_queues, OF_ONE_CLIENT);
        Self { nodes: RwLock::default(), clients: RwLock::default(), for_clients }
    }

    /// Queues a packet for its next hop, or drops it by name.
    pub(crate) fn send(&self, kind: LinkKind, next: NodeId, packet: Packet, stay: Stay) {
        let out = Outbound { packet, stay, place: None };
        let (outcome, gone) = match kind {
            LinkKind::Node => {
                let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
                (try_send(nodes.get(&next).map(|node| &node.link), out), DropReason::LinkLost)
            }
            LinkKind::Client => {
                let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
                let link = clients.get(&next);
                let outcome = match link.map(|link| self.for_clients.take(&link.waiting)) {
                    Some(None) => Err(TrySendError::Full(out)),
                    place => try_send(link, Outbound { place: place.flatten(), ..out }),
                };
                (outcome, DropReason::ClientOffline)
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
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        // That of a node which has left is closed when the node is gone.
        if nodes.get(&next).is_some_and(|node| !node.link.queue.is_closed()) {
            return Some(LinkKind::Node);
        }
        drop(nodes);
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.contains_key(&next).then_some(LinkKind::Client)
    }

    /// Makes the links to nodes match `wanted`, which has their packet keys too: keeps those that
    /// stay the same, starts the new ones with `start`, and stops those of nodes that have moved.
    /// Those of nodes that have left stay until the nodes close them: packets that were sealed
    /// before still go there.
    pub(crate) fn set_nodes(
        &self,
        wanted: HashMap<NodeId, (Peer, Vec<SphinxKey>)>,
        start: impl Fn(Peer, Standing) -> LinkQueue,
    ) {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|id, node| {
            match wanted.get(id) {
                Some((peer, keys)) if *peer == node.peer => node.announcer.listed(keys),
                Some(_) => node.link.stop.cancel(),
                None => node.announcer.left(),
            }
            !node.link.stop.is_cancelled() && !node.link.queue.is_closed()
        });
        for (id, (peer, keys)) in wanted {
            nodes.entry(id).or_insert_with(|| {
                let (announcer, standing) = Announcer::new(keys);
                NodeLink { link: start(peer.clone(), standing), peer, announcer }
            });
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

#[expect(clippy::result_large_err, reason = "the packet comes back, to be dropped by name")]
fn try_send(link: Option<&LinkQueue>, out: Outbound) -> Result<(), TrySendError<Outbound>> {
    match link {
        Some(link) => link.queue.try_send(out),
        None => Err(TrySendError::Closed(out)),
    }
}
