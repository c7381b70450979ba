//! The task that moves documents from the directory into the core.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::clocks::Clocks;
use super::core::Refusal;
use super::{Follower, FollowerConfig, FollowerCore, FollowerCounters, FollowerState, View, kept};
use crate::backoff::Backoff;
use crate::client::{ClientError, DirectoryClient, Served};
use crate::clock::ClockOffset;

/// Timers run on another clock than documents do; no longer than this apart are they compared.
const MAX_SLEEP: Duration = Duration::from_secs(10);

/// The other directories have this long to tell their time.
const OTHERS: Duration = Duration::from_secs(2);

pub(super) fn spawn(config: FollowerConfig, clients: Vec<DirectoryClient>) -> Follower {
    let core = FollowerCore::new(config.trust.clone(), config.tolerated_skew, SystemTime::now());
    let state = core.state(SystemTime::now());
    let (view_tx, view) = watch::channel(View { last: None, state, epoch: None, clock: None });
    let counters = Arc::new(FollowerCounters::default());
    let clocks = Clocks::of(clients.len());
    let shell = Shell {
        config,
        clients,
        followed: 0,
        clocks,
        core,
        view: view_tx,
        counters: counters.clone(),
    };
    tokio::spawn(shell.run());
    Follower { view, counters }
}

struct Shell {
    config: FollowerConfig,
    clients: Vec<DirectoryClient>,
    /// Which of them; when it is lost, the next one.
    followed: usize,
    clocks: Clocks,
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
    #[error("the clocks are too far apart")]
    Skewed,
    #[error("there is no directory")]
    Nobody,
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
            let wait = backoff.next(&mut rand::rng()).min(self.longest_wait());
            tracing::debug!(url = self.url(), %lost, ?wait, "directory lost");
            self.followed = (self.followed + 1) % self.clients.len().max(1);
            self.showing(tokio::time::sleep(wait)).await;
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
        let Some(client) = self.clients.get(self.followed).cloned() else {
            return Err(Lost::Nobody);
        };
        let mut documents = self.showing(client.watch()).await?;
        let mut next = Some(self.showing(documents.first()).await?);
        loop {
            if let Some(served) = next {
                let is_moved = self.hear_time(self.followed, served.sent_at);
                self.take(served).await?;
                if is_moved {
                    self.ask_the_others().await;
                }
            }
            match self.show() {
                FollowerState::Following => {}
                // It may have been the message that was late: another connection tells the time anew.
                FollowerState::Skewed { .. } => return Err(Lost::Skewed),
                _ => return Err(Lost::Overdue),
            }
            backoff.reset();
            next = tokio::select! {
                document = documents.next() => Some(document?),
                () = tokio::time::sleep(self.until_change()) => None,
            };
        }
    }

    fn url(&self) -> &str {
        self.clients.get(self.followed).map_or("", DirectoryClient::url)
    }

    /// Waits for something else, and shows meanwhile what changes by itself.
    async fn showing<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                () = tokio::time::sleep(self.until_change()) => { self.show(); }
            }
        }
    }

    /// Half an epoch: a document is good for three more, whatever their length.
    fn longest_wait(&self) -> Duration {
        self.core.last().map_or(Duration::MAX, |document| document.parameters.epoch_length / 2)
    }

    fn until_change(&self) -> Duration {
        let now = SystemTime::now();
        let timer = self.core.poll_at(now).and_then(|at| at.duration_since(now).ok());
        timer.unwrap_or(MAX_SLEEP).min(MAX_SLEEP)
    }

    /// A directory told its time; whether its clock or this machine's was set since.
    fn hear_time(&mut self, directory: usize, sent_at: Option<SystemTime>) -> bool {
        let Some(sent_at) = sent_at else { return false };
        let now = SystemTime::now();
        let moved = self.clocks.note(directory, ClockOffset::between(now, sent_at));
        self.core.handle_time(self.clocks.agreed().directory_time(now), now);
        moved
    }

    /// Asks the directories that are not followed for their time: one alone could lie.
    async fn ask_the_others(&mut self) {
        let mut asked = JoinSet::new();
        for (at, client) in self.clients.iter().cloned().enumerate() {
            if at != self.followed {
                asked.spawn(async move { (at, client.time().await) });
            }
        }
        let until = Instant::now() + OTHERS;
        while let Ok(Some(answer)) = self.showing(timeout_at(until, asked.join_next())).await {
            if let Ok((at, sent_at)) = answer {
                self.hear_time(at, sent_at);
            }
        }
    }

    async fn take(&mut self, served: Served) -> Result<(), Refusal> {
        match self.core.handle_document(served.signed, SystemTime::now()) {
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
                tracing::warn!(url = self.url(), %refusal, "document refused");
                Err(refusal)
            }
        }
    }

    /// Shows the handles what is known now; says how well that is.
    fn show(&self) -> FollowerState {
        let now = SystemTime::now();
        let state = self.core.state(now);
        self.view.send_if_modified(|view| {
            let version = |view: &View| view.last.as_ref().map(|document| document.version());
            // The clock may be corrected by a little just as an epoch begins: that takes no epoch
            // back.
            let epoch = self.core.epoch(now).map(|epoch| match view.epoch {
                Some(shown) if shown.checked_sub(1) == Some(epoch) => shown,
                _ => epoch,
            });
            let (last, clock) = (self.core.last().cloned(), self.core.clock());
            let new = View { last, state: state.clone(), epoch, clock };
            let modified = version(view) != version(&new)
                || view.epoch != new.epoch
                || !view.state.is_like(&new.state);
            self.note(&view.state, &state);
            *view = new;
            modified
        });
        state
    }

    fn note(&self, old: &FollowerState, new: &FollowerState) {
        let url = self.url();
        match new {
            _ if old.as_str() == new.as_str() => {}
            FollowerState::Skewed { .. } => tracing::warn!(url, state = %new, "clocks differ"),
            _ => tracing::info!(url, state = %new, "following the directory"),
        }
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
