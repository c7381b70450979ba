//! Where an unwrapped packet goes at this node.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use mixbed_directory::{Document, Role};
use mixbed_wire::{DropReason, Exit, HopAddress, NodeId, Packet};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::cover::SharedSensor;
use crate::links::LinkTable;
use crate::packets::{Books, Held, Hop, Stay};
use crate::provider::{Delivery, Provider, ReplySink};

/// Connects the workers with what comes after them.
pub(crate) struct Path {
    pub(crate) role: Role,
    pub(crate) links: Arc<LinkTable>,
    pub(crate) mixing: mpsc::Sender<Vec<Held>>,
    /// For the names of next hops in spans.
    pub(crate) document: Arc<RwLock<Option<Arc<Document>>>>,
    /// Only a provider has one.
    pub(crate) provider: Option<Provider>,
    /// Knows the node's own loops.
    pub(crate) sensor: SharedSensor,
}

impl Path {
    fn name_of(&self, id: NodeId) -> String {
        let document = self.document.read().unwrap_or_else(PoisonError::into_inner);
        let node = document.as_ref().and_then(|document| document.node(&id));
        node.map_or_else(|| format!("client {id}"), |node| node.name.clone())
    }
}

impl Hop for Path {
    fn forward(
        &self,
        next: HopAddress,
        delay: Duration,
        packet: Packet,
        mut stay: Stay,
    ) -> Option<Held> {
        stay.traced(next.trace, Some(delay), || Some(self.name_of(next.node)));
        let now = Instant::now();
        if !self.links.leads_to(next.node) {
            let reason = match self.role {
                Role::Gateway => DropReason::ClientOffline,
                Role::Mix { .. } | Role::Provider => DropReason::UnknownNextHop,
            };
            stay.dropped(now, reason);
            return None;
        }
        Some(Held { release: now + delay, next: next.node, packet, stay })
    }

    fn hold(&self, batch: Vec<Held>) {
        let (batch, reason) = match self.mixing.try_send(batch) {
            Ok(()) => return,
            Err(TrySendError::Full(batch)) => (batch, DropReason::PoolFull),
            Err(TrySendError::Closed(batch)) => (batch, DropReason::Stopped),
        };
        let now = Instant::now();
        for held in batch {
            held.stay.dropped(now, reason);
        }
    }

    fn exit(&self, exit: Exit, mut stay: Stay) {
        let trace = exit.destination.trace;
        stay.traced(trace, None, || None);
        let outcome = match &self.provider {
            Some(provider) => exit
                .plaintext()
                .and_then(|plaintext| provider.deliver(Delivery { plaintext, trace })),
            None => self.sensor.handle_exit(exit, Instant::now()),
        };
        let now = Instant::now();
        match outcome {
            Ok(()) => stay.delivered(now),
            Err(reason) => stay.dropped(now, reason),
        }
    }
}

/// Lets the provider's replies out: they are packets that this node makes.
pub(crate) struct Replies {
    pub(crate) links: Arc<LinkTable>,
    pub(crate) books: Arc<Books>,
}

impl ReplySink for Replies {
    fn send(&self, first_hop: HopAddress, packet: Packet) {
        let now = Instant::now();
        let mut stay = Stay::made(&self.books, now);
        stay.released(now);
        self.links.send(first_hop.node, packet, stay);
    }
}
