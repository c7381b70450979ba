//! Metrics of the packet path.

use crate::Telemetry;

use super::catalogue::{self, Declaration};
use super::{Counter, Gauge, Histogram};

const METRICS: [&Declaration; 16] = [
    &catalogue::PACKETS_RECEIVED,
    &catalogue::PACKETS_MADE,
    &catalogue::PACKETS_SENT,
    &catalogue::PACKETS_DELIVERED,
    &catalogue::PACKETS_DROPPED,
    &catalogue::PACKETS_HELD,
    &catalogue::QUEUE_WAIT,
    &catalogue::UNWRAP,
    &catalogue::LINK,
    &catalogue::LINKS,
    &catalogue::LINK_HANDSHAKES_FAILED,
    &catalogue::DUMMIES_SENT,
    &catalogue::FRAMES_SLOWED,
    &catalogue::REPLAY_TAGS,
    &catalogue::REPLAY_TAGS_BOUND,
    &catalogue::REGISTRATION_TRIES,
];

/// What a gateway, mix or provider counts. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct NodeMetrics {
    /// Packets that arrived on links.
    pub packets_received: Counter,
    /// Packets that the node made itself: loops, replies.
    pub packets_made: Counter,
    /// Packets written to links.
    pub packets_sent: Counter,
    /// Packets whose last hop this was.
    pub packets_delivered: Counter,
    /// Packets inside the node: in the workers' queue, the mixing pool or a link's queue.
    pub packets_held: Gauge,
    /// Wait for a worker.
    pub queue_wait_seconds: Histogram,
    /// Taking off the layer of encryption.
    pub unwrap_seconds: Histogram,
    /// Wait in a link's queue, and the write.
    pub link_seconds: Histogram,
    /// Links that others dialled and that are up.
    pub links_in: Gauge,
    /// Links that this node dialled and that are up.
    pub links_out: Gauge,
    /// Frames without a packet that were written to clients, where they are counted apart.
    dummies_sent: Option<Counter>,
    /// Frames of clients that came too fast and had to wait. Only at gateways.
    pub frames_slowed: Counter,
    /// Packets that are remembered, to drop copies of them.
    pub replay_tags: Gauge,
    /// Packets that may be.
    pub replay_tags_bound: Gauge,
    /// Registrations and renewals that succeeded.
    pub registrations_registered: Counter,
    /// Registrations that the directory refused.
    pub registrations_rejected: Counter,
    /// Registrations that did not reach the directory.
    pub registrations_unreachable: Counter,
    dropped: Vec<Counter>,
    telemetry: Telemetry,
    name: String,
    role: String,
}

/// A node's accounts as plain numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readings {
    /// Packets that arrived on links.
    pub received: u64,
    /// Packets that the node made itself.
    pub made: u64,
    /// Packets written to links.
    pub sent: u64,
    /// Packets whose last hop this was.
    pub delivered: u64,
    /// Packets dropped, by index of the reason.
    pub dropped: Vec<u64>,
    /// Packets inside the node.
    pub held: u64,
}

impl Readings {
    /// Packets dropped for any reason.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// What went in: received + made.
    #[must_use]
    pub fn incoming(&self) -> u64 {
        self.received + self.made
    }

    /// What became of it: sent + delivered + dropped + held.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        self.sent + self.delivered + self.dropped_total() + self.held
    }

    /// Whether received + made = sent + delivered + dropped + held.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.incoming() == self.accounted()
    }
}

impl NodeMetrics {
    /// The metrics of one node. `drop_reasons` are the label values of `packets_dropped`; each is
    /// there from the start, at 0. A node that starts anew under the same name and role counts
    /// from 0.
    #[must_use]
    pub fn new(
        telemetry: &Telemetry,
        node_name: &str,
        role: &str,
        drop_reasons: &[&'static str],
    ) -> Self {
        let labels = [("node", node_name), ("role", role)];
        let owner = telemetry.families().owner(&labels, &METRICS);
        let dropped = |reason: &&'static str| owner.counter(&catalogue::PACKETS_DROPPED, &[reason]);
        Self {
            packets_received: owner.counter(&catalogue::PACKETS_RECEIVED, &[]),
            packets_made: owner.counter(&catalogue::PACKETS_MADE, &[]),
            packets_sent: owner.counter(&catalogue::PACKETS_SENT, &[]),
            packets_delivered: owner.counter(&catalogue::PACKETS_DELIVERED, &[]),
            packets_held: owner.gauge(&catalogue::PACKETS_HELD, &[]),
            queue_wait_seconds: owner.histogram(&catalogue::QUEUE_WAIT, &[]),
            unwrap_seconds: owner.histogram(&catalogue::UNWRAP, &[]),
            link_seconds: owner.histogram(&catalogue::LINK, &[]),
            links_in: owner.gauge(&catalogue::LINKS, &["in"]),
            links_out: owner.gauge(&catalogue::LINKS, &["out"]),
            dummies_sent: telemetry
                .counts_dummies()
                .then(|| owner.counter(&catalogue::DUMMIES_SENT, &[])),
            frames_slowed: owner.counter(&catalogue::FRAMES_SLOWED, &[]),
            replay_tags: owner.gauge(&catalogue::REPLAY_TAGS, &[]),
            replay_tags_bound: owner.gauge(&catalogue::REPLAY_TAGS_BOUND, &[]),
            registrations_registered: owner
                .counter(&catalogue::REGISTRATION_TRIES, &["registered"]),
            registrations_rejected: owner.counter(&catalogue::REGISTRATION_TRIES, &["rejected"]),
            registrations_unreachable: owner
                .counter(&catalogue::REGISTRATION_TRIES, &["unreachable"]),
            dropped: drop_reasons.iter().map(dropped).collect(),
            telemetry: telemetry.clone(),
            name: node_name.to_owned(),
            role: role.to_owned(),
        }
    }

    /// Counts a dropped packet, by the reason's index in what [`new`](Self::new) was given.
    ///
    /// # Panics
    /// If there is no such reason: a packet must not vanish without one.
    pub fn dropped(&self, index: usize) {
        self.dropped[index].inc();
    }

    /// Counts frames without a packet that were written to clients. Where they are not to be told from packets,
    /// each is one that the node made and sent.
    pub fn handle_dummies(&self, count: u64) {
        if let Some(apart) = &self.dummies_sent {
            apart.inc_by(count);
        } else {
            self.packets_made.inc_by(count);
            self.packets_sent.inc_by(count);
        }
    }

    /// Counts a link that did not come up. Not for the packet path: looks the reason up.
    pub fn link_handshake_failed(&self, reason: &'static str) {
        let labels = [("node", self.name.as_str()), ("role", self.role.as_str())];
        let owner = self.telemetry.families().owner(&labels, &[]);
        owner.counter(&catalogue::LINK_HANDSHAKES_FAILED, &[reason]).inc();
    }

    /// The accounts now. They close exactly when no packet moves between two counters at that
    /// moment; this reads until two readings agree, or a few times at most.
    #[must_use]
    pub fn readings(&self) -> Readings {
        let mut last = self.read();
        for _ in 0..16 {
            let next = self.read();
            if next == last && next.closes() {
                break;
            }
            last = next;
        }
        last
    }

    fn read(&self) -> Readings {
        Readings {
            received: self.packets_received.get(),
            made: self.packets_made.get(),
            sent: self.packets_sent.get(),
            delivered: self.packets_delivered.get(),
            dropped: self.dropped.iter().map(Counter::get).collect(),
            held: u64::try_from(self.packets_held.get()).unwrap_or(0),
        }
    }
}
