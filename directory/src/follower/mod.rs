//! Keeps up with a directory: embedded in every node and client.

mod core;
mod kept;
mod shell;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

pub use self::core::{FollowerCore, Refusal};
use crate::client::{ClientError, DirectoryClient};
use crate::document::{Document, MissingPart, Trust, TrustError};

/// What a follower is given.
#[derive(Clone, Debug)]
pub struct FollowerConfig {
    /// Where the directory is: `http://host:port`.
    pub url: String,
    /// Which network it follows, and whose signatures it believes.
    pub trust: Trust,
    /// How far this machine's clock may be from the authority's. Default 10 s.
    pub tolerated_skew: Duration,
    /// Where to keep the last good document, to start from when the directory is away. Default
    /// nowhere.
    pub keep_in: Option<PathBuf>,
}

impl FollowerConfig {
    /// The defaults.
    #[must_use]
    pub fn new(url: impl Into<String>, trust: Trust) -> Self {
        let tolerated_skew = Duration::from_secs(10);
        Self { url: url.into(), trust, tolerated_skew, keep_in: None }
    }
}

/// How well informed a follower is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowerState {
    /// No document yet.
    Connecting {
        /// Since when it tries.
        since: SystemTime,
        /// What went wrong last.
        last_error: Option<String>,
    },
    /// It has the current document and hears of each new one.
    Following,
    /// The directory is away or serves nothing good: the last good document is still valid and
    /// used on.
    Stale {
        /// Since when.
        since: SystemTime,
        /// What is wrong.
        why: String,
    },
    /// The last good document may not be used any more and no other was to be had.
    Expired {
        /// Since when.
        since: SystemTime,
        /// What is wrong.
        why: String,
    },
}

impl FollowerState {
    /// The state's word, the same in metrics and logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Connecting { .. } => "connecting",
            Self::Following => "following",
            Self::Stale { .. } => "stale",
            Self::Expired { .. } => "expired",
        }
    }
}

impl std::fmt::Display for FollowerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Connecting { last_error: None, .. } | Self::Following => Ok(()),
            Self::Connecting { last_error: Some(why), .. }
            | Self::Stale { why, .. }
            | Self::Expired { why, .. } => write!(f, ": {why}"),
        }
    }
}

/// What a follower counts, to be read into metrics.
#[derive(Debug, Default)]
pub struct FollowerCounters {
    /// New documents that were taken over.
    pub accepted: AtomicU64,
    /// Documents that were refused.
    pub refused: AtomicU64,
    /// Times that the directory could not be reached or the connection broke.
    pub lost: AtomicU64,
}

/// A running follower. Cheap to clone; it stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Follower {
    view: watch::Receiver<View>,
    counters: Arc<FollowerCounters>,
}

/// What the task shows its handles.
#[derive(Clone, Debug)]
struct View {
    last: Option<Arc<Document>>,
    state: FollowerState,
}

impl View {
    fn usable(&self) -> Option<&Arc<Document>> {
        let expired = matches!(self.state, FollowerState::Expired { .. });
        self.last.as_ref().filter(|_| !expired)
    }
}

impl Follower {
    /// Starts to follow, and keeps trying for ever: a directory that is away is a state, not an
    /// error. Must be called within a tokio runtime.
    pub fn start(config: FollowerConfig) -> Result<Self, FollowerError> {
        config.trust.validate()?;
        let client = DirectoryClient::new(&config.url)?;
        Ok(shell::spawn(config, client))
    }

    /// The document to go by: the newest good one, or nothing if there is none or it may not be
    /// used any more.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Document>> {
        self.view.borrow().usable().cloned()
    }

    /// The newest good document, however old: for showing, not for sending packets.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Document>> {
        self.view.borrow().last.clone()
    }

    /// How well informed it is.
    #[must_use]
    pub fn state(&self) -> FollowerState {
        self.view.borrow().state.clone()
    }

    /// Waits until the document or the state is another than when this clone last looked here.
    /// For ever, if the runtime is shutting down. May be cancelled.
    pub async fn changed(&mut self) {
        if self.view.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for a usable document that satisfies a condition.
    pub async fn wait_for(
        &self,
        within: Duration,
        mut condition: impl FnMut(&Document) -> bool,
    ) -> Result<Arc<Document>, NotReady> {
        let mut view = self.view.clone();
        let good = view.wait_for(|view| view.usable().is_some_and(|doc| condition(doc)));
        if let Ok(Ok(view)) = tokio::time::timeout(within, good).await
            && let Some(document) = view.usable()
        {
            return Ok(document.clone());
        }
        let view = self.view.borrow();
        let missing = view.usable().and_then(|document| document.is_complete().err());
        let missing = missing.unwrap_or_default();
        Err(NotReady { waited: within, state: view.state.clone(), missing })
    }

    /// Waits for a usable document with which routes can be built
    /// ([`Document::is_complete`]).
    pub async fn wait_ready(&self, within: Duration) -> Result<Arc<Document>, NotReady> {
        self.wait_for(within, |document| document.is_complete().is_ok()).await
    }

    /// What it counts.
    #[must_use]
    pub fn counters(&self) -> &Arc<FollowerCounters> {
        &self.counters
    }
}

/// Why a follower cannot start: its configuration can never work.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum FollowerError {
    /// The directory's address.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The network's name or the authorities.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// There was no such document in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// How long was waited.
    pub waited: Duration,
    /// How well informed the follower is.
    pub state: FollowerState,
    /// What the current document lacks, if there is one.
    pub missing: Vec<MissingPart>,
}

impl std::error::Error for NotReady {}

impl std::fmt::Display for NotReady {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no document to work with after {:?}: {}", self.waited, self.state)?;
        for (i, part) in self.missing.iter().enumerate() {
            let before = if i == 0 { "; the network lacks " } else { ", " };
            write!(f, "{before}{part}")?;
        }
        Ok(())
    }
}
