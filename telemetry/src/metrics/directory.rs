//! Metrics of the directory, and of those who follow it.

use crate::Telemetry;

use super::catalogue::{self, Declaration};
use super::{Age, Counter, Gauge};

const AUTHORITY: [&Declaration; 6] = [
    &catalogue::REGISTRATIONS,
    &catalogue::EPOCH,
    &catalogue::REVISION,
    &catalogue::NODES,
    &catalogue::WATCHERS,
    &catalogue::DOCUMENTS_PUBLISHED,
];

const FOLLOWER: [&Declaration; 3] =
    [&catalogue::DOCUMENT_EPOCH, &catalogue::DOCUMENT_AGE, &catalogue::DOCUMENT_UPDATES];

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
            telemetry: telemetry.clone(),
            name: name.to_owned(),
        }
    }

    /// Counts a registration, by how it ended, such as `accepted` or `wrong_secret`.
    pub fn registration(&self, outcome: &'static str) {
        let owner = self.telemetry.families().owner(&[("node", &self.name)], &[]);
        owner.counter(&catalogue::REGISTRATIONS, &[outcome]).inc();
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
