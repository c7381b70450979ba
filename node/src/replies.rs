//! The way out of what the node's services answer.

use std::sync::Arc;
use std::time::Instant;

use mixbed_wire::{DropReason, SealedReply};
use tokio::sync::mpsc;

use crate::core::reply_leaves;
use crate::links::LinkKind;
use crate::packets::{Books, Held, Origin, Shares, Stay, hand_over};
use crate::path::Known;
use crate::provider::ReplySink;

/// Replies are packets that this node makes. Each waits in the mixing pool for as long as its block
/// says, as a packet waits at each hop: else whoever watches the node's links would see which packet
/// each one answers.
pub(crate) struct Replies {
    /// Not the last way in: whoever works on an answer still does not keep the pool from ending.
    pub(crate) mixing: mpsc::WeakSender<Vec<Held>>,
    pub(crate) shares: Arc<Shares>,
    pub(crate) origin: Arc<Origin>,
    pub(crate) books: Arc<Books>,
    pub(crate) known: Known,
}

impl ReplySink for Replies {
    fn send(&self, reply: SealedReply, came: Instant) {
        let SealedReply { first_hop, wait, packet } = reply;
        let now = Instant::now();
        let release = reply_leaves(came, wait, self.known.mean_hop_delay(), now);
        let mut stay = Stay::made(&self.books, now);
        let trace = first_hop.trace.filter(|_| self.known.tracing_allowed());
        stay.traced(trace, Some(wait), || Some(self.known.name_of(first_hop.node)));
        let place = match self.shares.hold(&self.origin) {
            Ok(place) => place,
            Err(reason) => return stay.dropped(now, reason),
        };
        let (kind, next) = (LinkKind::Node, first_hop.node);
        let held = Held { release, kind, next, packet, stay, place };
        match self.mixing.upgrade() {
            Some(mixing) => hand_over(&mixing, vec![held]),
            None => held.stay.dropped(now, DropReason::Stopped),
        }
    }
}
