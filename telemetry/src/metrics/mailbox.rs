//! Metrics of a gateway's mailboxes.

use crate::Telemetry;

use super::catalogue::{self, Declaration};
use super::{Counter, Gauge};

const METRICS: [&Declaration; 4] = [
    &catalogue::MAILBOXES,
    &catalogue::MAILBOX_LETTERS,
    &catalogue::MAILBOX_BYTES,
    &catalogue::MAILBOX_EXPIRED,
];

/// What a gateway keeps in mailboxes. What is asked of them, refusals included, is counted with
/// the other services' requests. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct MailboxMetrics {
    /// Mailboxes that are open.
    pub mailboxes: Gauge,
    /// Letters kept.
    pub letters: Gauge,
    /// Their bytes.
    pub bytes: Gauge,
    /// Letters that nobody came for in time.
    pub expired: Counter,
}

impl MailboxMetrics {
    /// The metrics of one gateway.
    #[must_use]
    pub fn new(telemetry: &Telemetry, node_name: &str) -> Self {
        let owner = telemetry.families().owner(&[("node", node_name)], &METRICS);
        Self {
            mailboxes: owner.gauge(&catalogue::MAILBOXES, &[]),
            letters: owner.gauge(&catalogue::MAILBOX_LETTERS, &[]),
            bytes: owner.gauge(&catalogue::MAILBOX_BYTES, &[]),
            expired: owner.counter(&catalogue::MAILBOX_EXPIRED, &[]),
        }
    }
}
