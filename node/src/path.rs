//! Where an unwrapped packet goes at this node.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use mixbed_directory::{Document, Role};
use mixbed_wire::{DropReason, Exit, HopAddress, NodeId, Packet};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::core::{self, Ending};
use crate::cover::SharedSensor;
use crate::links::{LinkKind, LinkTable};
use crate::packets::{Books, Forward, Held, Hop, Stay};
use crate::provider::{Delivery, Provider, ReplySink};

/// Connects the workers with what comes after them.
pub(crate) struct Path {
    pub(crate) role: Role,
    pub(crate) links: Arc<LinkTable>,
    pub(crate) mixing: mpsc::Sender<Vec<Held>>,
    /// For the names of next hops in spans.
    pub(crate) document: Arc<RwLock<Option<Arc<Document>>>>,
    /// A provider's services, or a gateway's mailboxes.
    pub(crate) provider: Option<Provider>,
    /// Knows the node's own loops.
    pub(crate) sensor: SharedSensor,
}

impl Path {
    /// Whom a packet may go on to.
    fn check(&self, next: NodeId, from_client: bool) -> Result<LinkKind, DropReason> {
        let kind = self.links.kind(next);
        core::pass_on(self.role, from_client, kind, || self.lists(next))
    }

    fn lists(&self, id: NodeId) -> bool {
        let document = self.document.read().unwrap_or_else(PoisonError::into_inner);
        document.as_ref().is_some_and(|document| document.node(&id).is_some())
    }

    fn tracing_allowed(&self) -> bool {
        let document = self.document.read().unwrap_or_else(PoisonError::into_inner);
        document.as_ref().is_some_and(|document| document.parameters.tracing_allowed)
    }

    fn name_of(&self, id: NodeId) -> String {
        let document = self.document.read().unwrap_or_else(PoisonError::into_inner);
        let node = document.as_ref().and_then(|document| document.node(&id));
        node.map_or_else(|| format!("client {id}"), |node| node.name.clone())
    }
}

impl Hop for Path {
    fn forward(&self, forward: Forward) -> Option<Held> {
        let Forward { from_client, place, next, delay, packet, mut stay } = forward;
        let now = Instant::now();
        let trace = next.trace.filter(|_| self.tracing_allowed());
        stay.traced(trace, Some(delay), || Some(self.name_of(next.node)));
        match self.check(next.node, from_client) {
            Ok(kind) => {
                let (release, next) = (now + delay, next.node);
                Some(Held { release, kind, next, packet, stay, place })
            }
            Err(reason) => {
                stay.dropped(now, reason);
                None
            }
        }
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

    fn exit(&self, exit: Exit, from_client: bool, mut stay: Stay) {
        let trace = exit.destination.trace.filter(|_| self.tracing_allowed());
        stay.traced(trace, None, || None);
        let ending = core::ends_here(from_client, self.provider.is_some(), &exit.identifier);
        let outcome = match (ending, &self.provider) {
            (Err(reason), _) => Err(reason),
            (Ok(Ending::Service), Some(provider)) => exit
                .plaintext()
                .and_then(|plaintext| provider.deliver(Delivery { plaintext, trace })),
            (Ok(_), _) => self.sensor.handle_exit(exit, Instant::now()),
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
        self.links.send(LinkKind::Node, first_hop.node, packet, stay);
    }
}
