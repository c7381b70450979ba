//! Where an unwrapped packet goes at this node.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use mixbed_directory::{Document, Role};
use mixbed_wire::{DropReason, Exit, NodeId};
use tokio::sync::mpsc;

use crate::core::{self, Ending};
use crate::cover::SharedSensor;
use crate::links::{LinkKind, LinkTable};
use crate::packets::{Forward, Held, Hop, Stay, hand_over};
use crate::provider::{Delivery, Provider};

/// Connects the workers with what comes after them.
pub(crate) struct Path {
    pub(crate) role: Role,
    pub(crate) links: Arc<LinkTable>,
    pub(crate) mixing: mpsc::Sender<Vec<Held>>,
    pub(crate) known: Known,
    /// A provider's services, or a gateway's mailboxes.
    pub(crate) provider: Option<Provider>,
    /// Knows the node's own loops.
    pub(crate) sensor: SharedSensor,
}

impl Path {
    /// Whom a packet may go on to.
    fn check(&self, next: NodeId, from_client: bool) -> Result<LinkKind, DropReason> {
        let kind = self.links.kind(next);
        core::pass_on(self.role, from_client, kind, || self.known.lists(next))
    }
}

/// What the node knows of the network: its document, which others set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(pub(crate) Arc<RwLock<Option<Arc<Document>>>>);

impl Known {
    fn lists(&self, id: NodeId) -> bool {
        self.look(|document| document.node(&id).is_some()).unwrap_or_default()
    }

    pub(crate) fn tracing_allowed(&self) -> bool {
        self.look(|document| document.parameters.tracing_allowed).unwrap_or_default()
    }

    pub(crate) fn mean_hop_delay(&self) -> Duration {
        self.look(|document| document.parameters.mean_hop_delay).unwrap_or_default()
    }

    /// For spans.
    pub(crate) fn name_of(&self, id: NodeId) -> String {
        let name = self.look(|document| document.node(&id).map(|node| node.name.clone()));
        name.flatten().unwrap_or_else(|| format!("client {id}"))
    }

    fn look<T>(&self, look: impl FnOnce(&Document) -> T) -> Option<T> {
        let document = self.0.read().unwrap_or_else(PoisonError::into_inner);
        document.as_deref().map(look)
    }
}

impl Hop for Path {
    fn forward(&self, forward: Forward) -> Option<Held> {
        let Forward { from_client, place, next, delay, packet, mut stay } = forward;
        let now = Instant::now();
        let trace = next.trace.filter(|_| self.known.tracing_allowed());
        stay.traced(trace, Some(delay), || Some(self.known.name_of(next.node)));
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
        hand_over(&self.mixing, batch);
    }

    fn exit(&self, exit: Exit, from_client: bool, mut stay: Stay) {
        let trace = exit.destination.trace.filter(|_| self.known.tracing_allowed());
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
