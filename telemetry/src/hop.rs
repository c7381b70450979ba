//! A packet's stay at one node, as it is recorded and as it is read back.

use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;

use crate::Context;
use crate::names::Attribute;
use crate::record::SpanRecord;
use crate::value::Value;

/// One packet's finished stay at one node.
///
/// The parts follow each other without a gap, so the span ends at `arrived` plus their sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The packet's span, as the packet carried it.
    pub context: Context,
    /// When the last byte had arrived.
    pub arrived: SystemTime,
    /// Wait for a worker.
    pub queue_wait: Duration,
    /// Taking off the layer of encryption.
    pub unwrap: Duration,
    /// The mixing delay that the sender asked for, if the packet got that far.
    pub delay_asked: Option<Duration>,
    /// How long the mixing pool held it.
    pub delay_held: Option<Duration>,
    /// Wait in the link's queue and the write.
    pub link: Option<Duration>,
    /// The part of `link`, or at a gateway of `queue_wait`, that impairments added.
    pub impaired: Option<Duration>,
    /// The next hop's name or id.
    pub next: Option<String>,
    /// How it ended here.
    pub outcome: HopOutcome,
}

/// How a packet left a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HopOutcome {
    /// Written to the next hop's link.
    Forwarded,
    /// This node was the last hop: handed to the provider's service, the mailbox or the client.
    Delivered,
    /// Dropped, for this reason: the same word as in the metrics.
    Dropped(&'static str),
}

impl HopOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Delivered => "delivered",
            Self::Dropped(_) => "dropped",
        }
    }
}

impl Hop {
    /// When the packet had left: arrival plus all parts. Cut to the arrival if the clock cannot
    /// express it.
    #[must_use]
    pub fn ended(&self) -> SystemTime {
        let parts = [Some(self.queue_wait), Some(self.unwrap), self.delay_held, self.link];
        let total = parts.into_iter().flatten().fold(Duration::ZERO, Duration::saturating_add);
        self.arrived.checked_add(total).unwrap_or(self.arrived)
    }

    pub(crate) fn attributes(&self, role: &str, node: &str) -> Vec<KeyValue> {
        let mut list = Vec::with_capacity(11);
        let mut add = |key: Attribute, value: Value| list.push(KeyValue::new(key.key(), value));
        add(Attribute::Node, node.into());
        add(Attribute::Role, role.into());
        add(Attribute::QueueWait, self.queue_wait.into());
        add(Attribute::Unwrap, self.unwrap.into());
        add(Attribute::Outcome, self.outcome.as_str().into());
        let durations = [
            (Attribute::DelayAsked, self.delay_asked),
            (Attribute::DelayHeld, self.delay_held),
            (Attribute::Link, self.link),
            (Attribute::Impaired, self.impaired),
        ];
        for (key, value) in durations {
            if let Some(value) = value {
                add(key, value.into());
            }
        }
        if let Some(next) = &self.next {
            add(Attribute::Next, next.as_str().into());
        }
        if let HopOutcome::Dropped(reason) = self.outcome {
            add(Attribute::DropReason, reason.into());
        }
        list
    }
}

/// The parts of a hop's span, read back from its attributes. Durations have microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopRecord {
    /// Name of the node.
    pub node: String,
    /// Its role.
    pub role: String,
    /// Wait for a worker.
    pub queue_wait: Duration,
    /// Taking off the layer of encryption.
    pub unwrap: Duration,
    /// The mixing delay that the sender asked for.
    pub delay_asked: Option<Duration>,
    /// How long the mixing pool held it.
    pub delay_held: Option<Duration>,
    /// Wait in the link's queue and the write.
    pub link: Option<Duration>,
    /// The part of `link` or `queue_wait` that impairments added.
    pub impaired: Option<Duration>,
    /// The next hop.
    pub next: Option<String>,
    /// `forwarded`, `delivered` or `dropped`.
    pub outcome: String,
    /// Why it was dropped.
    pub drop_reason: Option<String>,
}

impl HopRecord {
    /// Reads a span; `None` if it is not a hop's.
    pub(crate) fn read(span: &SpanRecord) -> Option<Self> {
        let text = |key| Some(span.attribute(key)?.as_str()?.to_owned());
        let micros = |key| span.attribute(key)?.as_micros();
        Some(Self {
            node: text(Attribute::Node)?,
            role: text(Attribute::Role)?,
            queue_wait: micros(Attribute::QueueWait)?,
            unwrap: micros(Attribute::Unwrap)?,
            delay_asked: micros(Attribute::DelayAsked),
            delay_held: micros(Attribute::DelayHeld),
            link: micros(Attribute::Link),
            impaired: micros(Attribute::Impaired),
            next: text(Attribute::Next),
            outcome: text(Attribute::Outcome)?,
            drop_reason: text(Attribute::DropReason),
        })
    }
}
