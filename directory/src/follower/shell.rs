//! The task that moves documents from the directory into the core.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::core::Refusal;
use super::{Follower, FollowerConfig, FollowerCore, FollowerCounters, FollowerState, View, kept};
use crate::backoff::Backoff;
use crate::client::{ClientError, DirectoryClient};
use crate::document::SignedDocument;

/// Timers run on another clock than documents do; no longer than this apart are they compared.
const MAX_SLEEP: Duration = Duration::from_secs(10);

pub(super) fn spawn(config: FollowerConfig, client: DirectoryClient) -> Follower {
    let core = FollowerCore::new(config.trust.clone(), config.tolerated_skew, SystemTime::now());
    let (view_tx, view) = watch::channel(View { last: None, state: core.state(SystemTime::now()) });
    let counters = Arc::new(FollowerCounters::default());
    let shell = Shell { config, client, core, view: view_tx, counters: counters.clone() };
    tokio::spawn(shell.run());
    Follower { view, counters }
}

struct Shell {
    config: FollowerConfig,
    client: DirectoryClient,
    core: FollowerCore,
    view: watch::Sender<View>,
    counters: Arc<FollowerCounters>,
}

/// Why a connection was given up.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("no document for the new epoch")]
    Overdue,
}

impl Shell {
    async fn run(mut self) {
        let view = self.view.clone();
        tokio::select! {
            () = view.closed() => {}
            () = self.follow_for_ever() => {}
        }
    }

    async fn follow_for_ever(&mut self) {
        self.load().await;
        let mut backoff = Backoff::default();
        loop {
            let lost = self.follow(&mut backoff).await;
            self.counters.lost.fetch_add(1, Relaxed);
            if !matches!(lost, Lost::Refused(_)) {
                self.core.handle_lost(lost.to_string(), SystemTime::now());
            }
            self.show();
            let wait = backoff.next(&mut rand::rng());
            tracing::debug!(url = self.client.url(), %lost, ?wait, "directory lost");
            tokio::time::sleep(wait).await;
        }
    }

    /// Follows over one connection until it is lost.
    async fn follow(&mut self, backoff: &mut Backoff) -> Lost {
        match self.connect_and_follow(backoff).await {
            Ok(never) => match never {},
            Err(lost) => lost,
        }
    }

    async fn connect_and_follow(
        &mut self,
        backoff: &mut Backoff,
    ) -> Result<std::convert::Infallible, Lost> {
        let mut documents = self.client.watch().await?;
        let mut next = Some(documents.first().await?);
        loop {
            if let Some(signed) = next {
                self.take(signed).await?;
            }
            let state = self.show();
            match state {
                FollowerState::Following => backoff.reset(),
                _ => return Err(Lost::Overdue),
            }
            let now = SystemTime::now();
            let timer = self.core.poll_at(now).and_then(|at| at.duration_since(now).ok());
            let timer = timer.unwrap_or(MAX_SLEEP).min(MAX_SLEEP);
            next = tokio::select! {
                document = documents.next() => Some(document?),
                () = tokio::time::sleep(timer) => None,
            };
        }
    }

    async fn take(&mut self, signed: SignedDocument) -> Result<(), Refusal> {
        match self.core.handle_document(signed, SystemTime::now()) {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.counters.accepted.fetch_add(1, Relaxed);
                if let Some(document) = self.core.last() {
                    let (epoch, revision) = document.version();
                    let nodes = document.nodes.len();
                    tracing::debug!(epoch, revision, nodes, "new document");
                }
                self.keep().await;
                Ok(())
            }
            Err(refusal) => {
                self.counters.refused.fetch_add(1, Relaxed);
                tracing::warn!(url = self.client.url(), %refusal, "document refused");
                Err(refusal)
            }
        }
    }

    /// Shows the handles what is known now; says how well that is.
    fn show(&self) -> FollowerState {
        let state = self.core.state(SystemTime::now());
        self.view.send_if_modified(|view| {
            let version = |view: &View| view.last.as_ref().map(|document| document.version());
            let new = View { last: self.core.last().cloned(), state: state.clone() };
            if view.state.as_str() != state.as_str() {
                tracing::info!(url = self.client.url(), state = %state, "following the directory");
            }
            let modified = version(view) != version(&new) || view.state != new.state;
            *view = new;
            modified
        });
        state
    }

    async fn load(&mut self) {
        let Some(path) = self.config.keep_in.clone() else { return };
        match kept::read(path.clone()).await {
            Ok(None) => {}
            Ok(Some(signed)) => {
                if let Err(refusal) = self.core.handle_kept(signed, SystemTime::now()) {
                    tracing::warn!(path = %path.display(), %refusal, "kept document not used");
                }
            }
            Err(error) => tracing::warn!(path = %path.display(), %error, "kept document not read"),
        }
        self.show();
    }

    async fn keep(&self) {
        let (Some(path), Some(signed)) = (&self.config.keep_in, self.core.last_signed()) else {
            return;
        };
        if let Err(error) = kept::write(path.clone(), signed.clone()).await {
            tracing::warn!(path = %path.display(), %error, "document not kept");
        }
    }
}
