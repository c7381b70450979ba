//! Keeps up with a directory: embedded in every node and client.

mod clocks;
mod core;
mod kept;
mod shell;
mod state;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::watch;

pub use self::core::{FollowerCore, Refusal};
pub use self::state::{FollowerState, NotReady};
use crate::client::{ClientError, Directories};
use crate::clock::ClockOffset;
use crate::document::{Document, Trust, TrustError};
use crate::limits::TOLERATED_SKEW;

/// What a follower is given.
#[derive(Clone, Debug)]
pub struct FollowerConfig {
    /// Where the directory is: `mixbed://host:port`. Of several, with commas between, one is
    /// followed at a time, and the next one when it is away, behind or not to be believed.
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
        Self { url: url.into(), trust, tolerated_skew: TOLERATED_SKEW, keep_in: None }
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
    epoch: Option<u64>,
    clock: Option<ClockOffset>,
}

impl View {
    fn usable(&self) -> Option<&Arc<Document>> {
        self.last.as_ref().filter(|_| self.state.is_usable())
    }
}

impl Follower {
    /// Starts to follow, and keeps trying for ever: a directory that is away is a state, not an
    /// error. Must be called within a tokio runtime.
    pub fn start(config: FollowerConfig) -> Result<Self, FollowerError> {
        config.trust.validate()?;
        let clients = Directories::new(&config.url, &config.trust)?.into_clients();
        Ok(shell::spawn(config, clients))
    }

    /// The document to go by: the newest good one, or nothing if there is none, it may not be
    /// used any more, or the clocks are too far apart.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Document>> {
        self.view.borrow().usable().cloned()
    }

    /// The epoch whose packet keys are to be used now: the document's own, or when no newer one
    /// came, one after it by the clock. Nothing without a document to go by.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        let view = self.view.borrow();
        view.epoch.filter(|_| view.usable().is_some())
    }

    /// How far this machine's clock is from the directory's, as that told the time last; nothing
    /// before it did.
    #[must_use]
    pub fn clock(&self) -> Option<ClockOffset> {
        self.view.borrow().clock
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

    /// Waits until the document, the state or the epoch is another than when this clone last looked here.
    /// For ever, if the runtime is shutting down. May be cancelled.
    pub async fn changed(&mut self) {
        if self.view.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether [`changed`](Self::changed) would return at once; looks, as that does. While nothing
    /// has changed it costs no more than reading a number.
    pub fn take_change(&mut self) -> bool {
        let changed = self.view.has_changed().unwrap_or(false);
        if changed {
            self.view.mark_unchanged();
        }
        changed
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
