//! Metrics of the client.

use std::time::Duration;

use crate::Telemetry;

use super::catalogue::{self, Declaration};
use super::{Counter, Gauge, Histogram, SuspectMetric};

const PACKETS: [&Declaration; 3] =
    [&catalogue::PACKETS_SENT, &catalogue::PACKETS_RECEIVED, &catalogue::PACKETS_DROPPED];

const MESSAGES: [&Declaration; 12] = [
    &catalogue::MESSAGES,
    &catalogue::MESSAGE_SECONDS,
    &catalogue::RETRANSMISSIONS,
    &catalogue::REPLY_BLOCKS_MADE,
    &catalogue::REPLY_BLOCKS_USED,
    &catalogue::CLIENT_SESSIONS,
    &catalogue::CLIENT_STREAMS,
    &catalogue::COVER_SENT,
    &catalogue::CLIENT_LOOPS,
    &catalogue::CLIENT_LOOPS_RECENT,
    &catalogue::CONFIRMATIONS,
    &catalogue::BROKEN_WORDS,
];

/// What a client counts. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct ClientMetrics {
    /// Packets written to the link to the gateway, cover included.
    pub packets_sent: Counter,
    /// Packets that arrived from the gateway.
    pub packets_received: Counter,
    /// Fragments sent again on a new route.
    pub retransmissions: Counter,
    /// From a message's sending until all of it was answered for.
    pub message_seconds: Histogram,
    /// Reply blocks sent along.
    pub reply_blocks_made: Counter,
    /// Reply blocks that came back with a reply.
    pub reply_blocks_used: Counter,
    /// Sessions with providers.
    pub sessions: Gauge,
    /// Drops handed to the link.
    pub drops_sent: Counter,
    /// Loops handed to the link.
    pub loops_sent: Counter,
    /// Loops that came back in time.
    pub loops_returned: Counter,
    /// Loops that did not.
    pub loops_lost: Counter,
    /// How many of the last loops came back.
    pub recent_loops_returned: Gauge,
    /// How many of the last loops did not.
    pub recent_loops_lost: Gauge,
    /// Whom its loops name.
    pub suspect: SuspectMetric,
    dropped: Vec<Counter>,
    telemetry: Telemetry,
    name: String,
}

/// A client's packets as plain numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientReadings {
    /// Packets written to the link to the gateway.
    pub sent: u64,
    /// Packets that arrived from the gateway.
    pub received: u64,
}

impl ClientMetrics {
    /// The metrics of one client. `drop_reasons` as for
    /// [`NodeMetrics::new`](super::NodeMetrics::new).
    #[must_use]
    pub fn new(telemetry: &Telemetry, name: &str, drop_reasons: &[&'static str]) -> Self {
        let labels = [("node", name), ("role", "client")];
        let packets = telemetry.families().owner(&labels, &PACKETS);
        let messages = telemetry.families().owner(&labels[..1], &MESSAGES);
        let dropped =
            |reason: &&'static str| packets.counter(&catalogue::PACKETS_DROPPED, &[reason]);
        Self {
            suspect: SuspectMetric::new(telemetry, name, "client"),
            packets_sent: packets.counter(&catalogue::PACKETS_SENT, &[]),
            packets_received: packets.counter(&catalogue::PACKETS_RECEIVED, &[]),
            retransmissions: messages.counter(&catalogue::RETRANSMISSIONS, &[]),
            message_seconds: messages.histogram(&catalogue::MESSAGE_SECONDS, &[]),
            reply_blocks_made: messages.counter(&catalogue::REPLY_BLOCKS_MADE, &[]),
            reply_blocks_used: messages.counter(&catalogue::REPLY_BLOCKS_USED, &[]),
            sessions: messages.gauge(&catalogue::CLIENT_SESSIONS, &[]),
            drops_sent: messages.counter(&catalogue::COVER_SENT, &["drop"]),
            loops_sent: messages.counter(&catalogue::COVER_SENT, &["loop"]),
            loops_returned: messages.counter(&catalogue::CLIENT_LOOPS, &["returned"]),
            loops_lost: messages.counter(&catalogue::CLIENT_LOOPS, &["lost"]),
            recent_loops_returned: messages.gauge(&catalogue::CLIENT_LOOPS_RECENT, &["returned"]),
            recent_loops_lost: messages.gauge(&catalogue::CLIENT_LOOPS_RECENT, &["lost"]),
            dropped: drop_reasons.iter().map(dropped).collect(),
            telemetry: telemetry.clone(),
            name: name.to_owned(),
        }
    }

    /// The packets so far.
    #[must_use]
    pub fn readings(&self) -> ClientReadings {
        ClientReadings { sent: self.packets_sent.get(), received: self.packets_received.get() }
    }

    /// Counts a dropped packet, by the reason's index in what [`new`](Self::new) was given.
    ///
    /// # Panics
    /// If there is no such reason: a packet must not vanish without one.
    pub fn dropped(&self, index: usize) {
        self.dropped[index].inc();
    }

    /// Another provider was asked whether it knows a transaction: `confirmed`, `denied` or
    /// `unanswered`.
    pub fn confirmation(&self, outcome: &'static str) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::CONFIRMATIONS, &[outcome]).inc();
    }

    /// A provider did not do what it said.
    pub fn broken_word(&self, provider: &str) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::BROKEN_WORDS, &[provider]).inc();
    }

    /// Somebody wanted a stream: `opened`, or why it was not.
    pub fn stream(&self, outcome: &'static str) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::CLIENT_STREAMS, &[outcome]).inc();
    }

    /// Counts a message that came to an end, such as `answered` or `deadline`. Its time counts in
    /// `message_seconds` if it was answered for.
    pub fn message(&self, outcome: &'static str, answered_after: Option<Duration>) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::MESSAGES, &[outcome]).inc();
        if let Some(took) = answered_after {
            self.message_seconds.observe(took);
        }
    }
}
