//! Where packets come from, and what each place may have waiting and held here.

use std::sync::Arc;

use mixbed_wire::DropReason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::share::{Part, Place, Share, Source};

/// Packets of one client that wait for a worker at a time. More stay in its connection, which
/// slows the client down and nobody else.
const CLIENT_WAITING: usize = 8;

/// A link from a node: alone it may have two thirds of all places.
const NODE: Part = Part { times: 2, over: 1 };

/// A link from a client: alone it may have one in 17 of the places that clients share. Of 8,192
/// those are 481, more than the 256 packets that an honest client has under way in all.
const CLIENT: Part = Part { times: 1, over: 16 };

/// One link that brings packets in, or the node itself.
#[derive(Debug)]
pub(crate) struct Origin {
    turns: Option<Arc<Semaphore>>,
    waiting: Source,
    held: Source,
}

impl Origin {
    /// A link from a node, or the node itself.
    pub(crate) fn node() -> Arc<Self> {
        Arc::new(Self { turns: None, waiting: Source::default(), held: Source::default() })
    }

    /// A link from a client.
    pub(crate) fn client() -> Arc<Self> {
        let turns = Some(Arc::new(Semaphore::new(CLIENT_WAITING)));
        Arc::new(Self { turns, waiting: Source::default(), held: Source::default() })
    }

    /// Whether it is a client.
    pub(crate) fn is_client(&self) -> bool {
        self.turns.is_some()
    }
}

/// A packet's place among those that wait for a worker.
#[derive(Debug)]
pub(crate) enum Turn {
    Node(#[expect(dead_code, reason = "held until the packet's turn comes")] Place),
    Client(#[expect(dead_code, reason = "likewise")] [OwnedSemaphorePermit; 2]),
}

/// The places at the workers' entrance, and in the mixing pool.
#[derive(Debug)]
pub(crate) struct Shares {
    waiting: Share,
    clients_waiting: Arc<Semaphore>,
    held: Share,
    clients_held: Share,
}

impl Shares {
    /// `waiting` packets of nodes before the workers, and half as many of clients besides; `held`
    /// in the mixing pool. Where there are clients the half of those is theirs, so that a crowd of
    /// them takes nothing from what comes from nodes.
    pub(crate) fn new(waiting: usize, held: usize, clients: bool) -> Self {
        let for_clients = if clients { held / 2 } else { 0 };
        Self {
            waiting: Share::new(waiting, NODE),
            clients_waiting: Arc::new(Semaphore::new(Self::clients_waiting(waiting))),
            held: Share::new(held - for_clients, NODE),
            clients_held: Share::new(for_clients.max(1), CLIENT),
        }
    }

    /// The most packets that wait before the workers.
    pub(crate) fn most_waiting(waiting: usize) -> usize {
        waiting + Self::clients_waiting(waiting)
    }

    fn clients_waiting(waiting: usize) -> usize {
        waiting.div_ceil(2)
    }

    /// A place before the workers for a packet of a node.
    pub(crate) fn turn(&self, origin: &Origin) -> Result<Turn, DropReason> {
        self.waiting.take(&origin.waiting).map(Turn::Node).ok_or(DropReason::QueueFull)
    }

    /// A place before the workers for a packet of a client, when it is its turn: clients are served
    /// in the order in which they come, each with a few at a time.
    pub(crate) async fn turn_of_client(&self, origin: &Origin) -> Result<Turn, DropReason> {
        let Some(own) = &origin.turns else { return self.turn(origin) };
        let own = Arc::clone(own).acquire_owned().await;
        let own = own.map_err(|_| DropReason::Stopped)?;
        let all = Arc::clone(&self.clients_waiting).acquire_owned().await;
        Ok(Turn::Client([own, all.map_err(|_| DropReason::Stopped)?]))
    }

    /// A place in the mixing pool.
    pub(crate) fn hold(&self, origin: &Origin) -> Result<Place, DropReason> {
        let share = if origin.is_client() { &self.clients_held } else { &self.held };
        share.take(&origin.held).ok_or(DropReason::PoolFull)
    }
}
