//! Metrics of the directory, and of those who follow it.

use crate::Telemetry;

use super::catalogue::{self, Declaration};
use super::{Age, Counter, Gauge, Seconds};

const AUTHORITY: [&Declaration; 11] = [
    &catalogue::REGISTRATIONS,
    &catalogue::EPOCH,
    &catalogue::REVISION,
    &catalogue::NODES,
    &catalogue::WATCHERS,
    &catalogue::DOCUMENTS_PUBLISHED,
    &catalogue::NODES_GONE,
    &catalogue::WATCHERS_REFUSED,
    &catalogue::SAVE_FAILURES,
    &catalogue::CLOCK_JUMPS,
    &catalogue::VOTING,
];

const FOLLOWER: [&Declaration; 5] = [
    &catalogue::DOCUMENT_EPOCH,
    &catalogue::DOCUMENT_AGE,
    &catalogue::DOCUMENT_UPDATES,
    &catalogue::DIRECTORY_LOST,
    &catalogue::CLOCK_OFFSET,
];

/// What a directory counts. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct DirectoryMetrics {
    /// Number of the current epoch.
    pub epoch: Gauge,
    /// Revision of the current document, counted up over all epochs.
    pub revision: Gauge,
    /// Followers that watch now.
    pub watchers: Gauge,
    /// Documents signed and published.
    pub documents_published: Counter,
    /// Nodes that left by themselves.
    pub nodes_departed: Counter,
    /// Nodes whose leases ended.
    pub nodes_expired: Counter,
    /// Followers turned away.
    pub watchers_refused: Counter,
    /// Times that the state could not be written.
    pub save_failures: Counter,
    /// Times that the clock jumped.
    pub clock_jumps: Counter,
    telemetry: Telemetry,
    name: String,
}

impl DirectoryMetrics {
    /// The metrics of one directory.
    #[must_use]
    pub fn new(telemetry: &Telemetry, name: &str) -> Self {
        let owner = telemetry.families().owner(&[("node", name)], &AUTHORITY);
        Self {
            epoch: owner.gauge(&catalogue::EPOCH, &[]),
            revision: owner.gauge(&catalogue::REVISION, &[]),
            watchers: owner.gauge(&catalogue::WATCHERS, &[]),
            documents_published: owner.counter(&catalogue::DOCUMENTS_PUBLISHED, &[]),
            nodes_departed: owner.counter(&catalogue::NODES_GONE, &["departed"]),
            nodes_expired: owner.counter(&catalogue::NODES_GONE, &["expired"]),
            watchers_refused: owner.counter(&catalogue::WATCHERS_REFUSED, &[]),
            save_failures: owner.counter(&catalogue::SAVE_FAILURES, &[]),
            clock_jumps: owner.counter(&catalogue::CLOCK_JUMPS, &[]),
            telemetry: telemetry.clone(),
            name: name.to_owned(),
        }
    }

    /// Counts a registration, by how it ended, such as `accepted` or `wrong_secret`.
    pub fn registration(&self, outcome: &'static str) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::REGISTRATIONS, &[outcome]).inc();
    }

    /// Counts something that was noticed of another directory, by its kind.
    pub fn voting(&self, kind: &'static str) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::VOTING, &[kind]).inc();
    }

    /// Says how many nodes of a role are in the current document.
    pub fn set_nodes(&self, role: &'static str, count: usize) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        owner.gauge(&catalogue::NODES, &[role]).set(count);
    }
}

/// What a node or client counts as a follower of the directory. Cheap to clone; clones count
/// together.
#[derive(Clone, Debug)]
pub struct FollowerMetrics {
    /// Epoch of the document that is followed.
    pub document_epoch: Gauge,
    /// Time since the directory last confirmed or replaced it.
    pub document_age_seconds: Age,
    /// Times that the directory was lost.
    pub directory_lost: Counter,
    /// How far this machine's clock is ahead of the directory's.
    pub clock_offset_seconds: Seconds,
    telemetry: Telemetry,
    name: String,
    role: String,
}

impl FollowerMetrics {
    /// The metrics of one follower: a node, provider or client.
    #[must_use]
    pub fn new(telemetry: &Telemetry, name: &str, role: &str) -> Self {
        let owner = telemetry.families().owner(&[("node", name), ("role", role)], &FOLLOWER);
        Self {
            document_epoch: owner.gauge(&catalogue::DOCUMENT_EPOCH, &[]),
            document_age_seconds: owner.age(&catalogue::DOCUMENT_AGE),
            directory_lost: owner.counter(&catalogue::DIRECTORY_LOST, &[]),
            clock_offset_seconds: owner.seconds(&catalogue::CLOCK_OFFSET),
            telemetry: telemetry.clone(),
            name: name.to_owned(),
            role: role.to_owned(),
        }
    }

    /// Counts a document from the directory, by what became of it, such as `accepted` or
    /// `bad_signature`.
    pub fn update(&self, outcome: &'static str) {
        let labels = [("node", self.name.as_str()), ("role", self.role.as_str())];
        let owner = self.telemetry.families().owner(&labels, &[]);
        owner.counter(&catalogue::DOCUMENT_UPDATES, &[outcome]).inc();
    }
}
