//! What the ways of packets tell of the nodes on them.

use std::collections::VecDeque;
use std::time::Instant;

use mixbed_wire::NodeId;

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It passed these nodes.
    Passed(Vec<NodeId>),
    /// It was to pass these nodes, and did not arrive.
    Lost {
        /// The nodes.
        route: Vec<NodeId>,
        /// When it was sent.
        sent_at: Instant,
        /// When it should have been heard of.
        until: Instant,
    },
}

/// What nobody has asked for yet.
#[derive(Debug, Default)]
pub(super) struct Ways(VecDeque<Way>);

/// So many are kept for whoever asks.
const KEPT: usize = 4096;

impl Ways {
    pub(super) fn push(&mut self, way: Way) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(way);
    }

    pub(super) fn pop(&mut self) -> Option<Way> {
        self.0.pop_front()
    }
}
