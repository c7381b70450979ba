//! Where a run's report is kept: in a file, or in a cluster.

mod cluster;
mod file;

use crate::core::Saved;

pub use cluster::ClusterStore;
pub use file::FileStore;

/// Why a report could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It may be better later.
    #[error("{place}: {why}")]
    Away {
        /// Where the report is.
        place: String,
        /// What happened.
        why: String,
    },
    /// It will not be better.
    #[error("{place}: {why}")]
    Refused {
        /// Where the report is.
        place: String,
        /// What happened.
        why: String,
    },
    /// Another process writes it: this one is to stop, as the two would contradict each other.
    #[error("{place}: another process has taken this run over")]
    Taken {
        /// Where the report is.
        place: String,
    },
}

/// Where a run's report is kept. One process at a time writes it.
#[derive(Debug)]
pub enum Store {
    /// In a file.
    File(FileStore),
    /// In a `ConfigMap` and a `Secret`.
    Cluster(Box<ClusterStore>),
}

impl Store {
    /// Where it is, in words.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::File(file) => file.place(),
            Self::Cluster(cluster) => cluster.place(),
        }
    }

    /// Reads what was written, if anything was, and takes the report over from whoever wrote it.
    pub async fn open(&mut self) -> Result<Option<Saved>, StoreError> {
        match self {
            Self::File(file) => file.load(),
            Self::Cluster(cluster) => cluster.open().await,
        }
    }

    /// Writes.
    pub async fn save(&mut self, saved: &Saved) -> Result<(), StoreError> {
        match self {
            Self::File(file) => file.save(saved),
            Self::Cluster(cluster) => cluster.save(saved).await,
        }
    }

    /// Whether the run was ended on purpose. A file has no way to say that.
    pub async fn is_cancelled(&mut self) -> Result<bool, StoreError> {
        match self {
            Self::File(_) => Ok(false),
            Self::Cluster(cluster) => cluster.is_cancelled().await,
        }
    }
}
