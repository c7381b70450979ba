//! One session as its client keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use mixbed_session::{BlockNo, ClientEnd, End as _, Shared};
use mixbed_wire::message::SessionId;
use mixbed_wire::{Identifier, NodeId};

/// Packets of a session whose ways are remembered: twice what may be in flight.
const FLIGHTS: usize = 2048;

/// A session.
pub(super) struct Held {
    pub(super) id: SessionId,
    pub(super) provider: NodeId,
    /// Only streams with the same are in it.
    pub(super) isolation: Option<String>,
    pub(super) end: Arc<Shared<ClientEnd>>,
    /// When the last stream was opened.
    pub(super) used: Instant,
    /// Packets of which it is not known what became of them.
    pub(super) flights: BTreeMap<u32, Flight>,
    /// Whether it is over; it is kept until the provider was told.
    pub(super) over: bool,
    /// Whether nothing of it came just now.
    pub(super) is_silent: bool,
    /// Reply blocks whose replies would be read.
    pub(super) blocks: BTreeMap<BlockNo, Identifier>,
}

/// A packet under way.
pub(super) struct Flight {
    pub(super) sent_at: Instant,
    /// Until then it counts in the window.
    pub(super) until: Instant,
    /// The nodes of its way.
    pub(super) route: Vec<NodeId>,
}

impl Held {
    pub(super) fn new(
        id: SessionId,
        provider: NodeId,
        isolation: Option<&str>,
        end: Arc<Shared<ClientEnd>>,
        now: Instant,
    ) -> Self {
        Self {
            id,
            provider,
            isolation: isolation.map(str::to_owned),
            end,
            used: now,
            flights: BTreeMap::new(),
            over: false,
            is_silent: true,
            blocks: BTreeMap::new(),
        }
    }

    /// Whether another stream can be opened in it, where it may have so many.
    pub(super) fn has_room(&self, streams: usize) -> bool {
        !self.over && self.end.lock().streams() < streams
    }

    /// Whether it has no streams.
    pub(super) fn is_idle(&self) -> bool {
        self.over || self.end.lock().streams() == 0
    }

    /// Remembers a packet's way; returns the oldest one, if that is too many.
    pub(super) fn fly(&mut self, number: u32, flight: Flight) -> Option<(u32, Flight)> {
        self.flights.insert(number, flight);
        if self.flights.len() > FLIGHTS { self.flights.pop_first() } else { None }
    }
}
