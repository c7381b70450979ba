//! What an authority counts, to be read into metrics.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::messages::Reason;
use crate::voting::VotingEvent;

/// What an authority counts since its start.
#[derive(Debug, Default)]
pub struct AuthorityCounters {
    /// Registrations of nodes that were not listed, or changed.
    pub listed: AtomicU64,
    /// Registrations that renewed a lease.
    pub renewed: AtomicU64,
    /// Nodes that left.
    pub departed: AtomicU64,
    /// Nodes whose leases ended.
    pub expired: AtomicU64,
    /// Nodes listed now.
    pub nodes: AtomicU64,
    /// Documents issued.
    pub documents: AtomicU64,
    /// The epoch.
    pub epoch: AtomicU64,
    /// Who watches documents now.
    pub watchers: AtomicU64,
    /// Watchers refused, as there were too many.
    pub watchers_refused: AtomicU64,
    /// Times that this machine's clock jumped, ahead or back.
    pub clock_jumps: AtomicU64,
    /// Times that the state could not be written.
    pub save_failures: AtomicU64,
    /// Messages to the other directories' door that none of them has signed.
    pub foreign: AtomicU64,
    /// Messages of other directories that were not looked at, as one sent too many.
    pub flooded: AtomicU64,
    /// What was noticed of other directories, in the order of [`VotingEvent::KINDS`].
    voting: [AtomicU64; VotingEvent::KINDS.len()],
    /// Refused messages, in the order of [`Reason::ALL`].
    rejected: [AtomicU64; Reason::ALL.len()],
}

impl AuthorityCounters {
    /// How many messages were refused for each reason.
    pub fn rejected(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.iter().zip(&self.rejected).map(|(reason, count)| (*reason, count.load(Relaxed)))
    }

    /// How often each kind of thing was noticed of other directories.
    pub fn voting(&self) -> impl Iterator<Item = (&'static str, u64)> {
        VotingEvent::KINDS
            .iter()
            .zip(&self.voting)
            .map(|(kind, count)| (*kind, count.load(Relaxed)))
    }

    pub(super) fn count_voting(&self, event: &VotingEvent) {
        for (kind, count) in VotingEvent::KINDS.iter().zip(&self.voting) {
            count.fetch_add(u64::from(*kind == event.as_str()), Relaxed);
        }
    }

    pub(super) fn count_rejected(&self, reason: Reason) {
        for (each, count) in Reason::ALL.iter().zip(&self.rejected) {
            count.fetch_add(u64::from(*each == reason), Relaxed);
        }
    }
}
