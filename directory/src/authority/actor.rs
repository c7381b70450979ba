//! The task that owns the core and the store: one message after another, nothing told to anyone
//! before it is on the disk.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::clock_watch::{ClockJump, ClockWatch};
use super::core::{Core, Registered};
use super::snapshot::Issued;
use super::state::{StateError, StateStore};
use super::together::{LOOK, Together};
use super::{AuthorityCounters, Listing};
use crate::admission::Admission;
use crate::document::SignedDocument;
use crate::identity::IdentityPublic;
use crate::messages::{Departure, Instruction, Order, Registration, Rejection};
use crate::voting::PeerMessage;

/// Timers run on another clock than epochs do; no longer than this apart are they compared.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// After a failed write, the next one waits this long. Less than [`MAX_SLEEP`], which ends the wait.
const SAVE_AGAIN: Duration = Duration::from_millis(900);

/// Answers that wait for other directories to agree; beyond them, nobody waits.
const MAX_WAITING: usize = 1_024;

/// Messages handled between two writes: when a network starts, one write serves many nodes.
const BATCH: usize = 64;

pub(super) enum Command {
    Register(Registration, oneshot::Sender<Result<Registered, Refusal>>),
    Unregister(Departure, oneshot::Sender<Result<(), Refusal>>),
    Order(Order, oneshot::Sender<Result<(), Refusal>>),
    Admission(oneshot::Sender<Result<Admission, Refusal>>),
    /// What another directory says, and its place in the queue.
    Peer(IdentityPublic, PeerMessage, OwnedSemaphorePermit),
}

/// Why a command was not carried out.
#[derive(Debug)]
pub(super) enum Refusal {
    Rejected(Rejection),
    NotSaved,
}

/// Each epoch's last document that is still valid, oldest first, never empty.
pub(super) type Published = Arc<Vec<Issued>>;

pub(super) struct Actor {
    core: Core,
    /// If it is one of several.
    together: Option<Together>,
    store: Option<Arc<dyn StateStore>>,
    commands: mpsc::Receiver<Command>,
    /// Answers that wait for a document, to be saved with it.
    answers: Vec<Answer>,
    /// When to save again after that has failed.
    save_again: Option<Instant>,
    published: watch::Sender<Published>,
    /// Why the state cannot be saved.
    trouble: watch::Sender<Option<String>>,
    counters: Arc<AuthorityCounters>,
}

/// Another authority writes the state: this one stops.
struct Taken;

/// An answer that waits until the state is saved.
type Answer = Box<dyn FnOnce(bool) + Send>;

impl Actor {
    /// Makes the first document before anyone can ask for it.
    pub(super) async fn start(
        core: Core,
        together: Option<Together>,
        store: Option<Arc<dyn StateStore>>,
        commands: mpsc::Receiver<Command>,
        counters: Arc<AuthorityCounters>,
    ) -> (Self, watch::Receiver<Published>, watch::Receiver<Option<String>>) {
        let (published, documents) = watch::channel(Published::default());
        let (trouble, troubles) = watch::channel(None);
        let (answers, save_again) = (Vec::new(), None);
        let mut actor = Self {
            core,
            together,
            store,
            commands,
            answers,
            save_again,
            published,
            trouble,
            counters,
        };
        while actor.settle().await.is_ok() && actor.core.is_pending() {
            tokio::time::sleep(actor.until_due()).await;
        }
        (actor, documents, troubles)
    }

    /// Runs until it is told to stop, or has to; then the watchers' streams end. A write under way
    /// ends first.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(BATCH);
        let (started, mut clock) = (Instant::now(), ClockWatch::default());
        loop {
            let timer = self.until_due();
            let received = tokio::select! {
                biased;
                _ = &mut stop => return,
                received = self.commands.recv_many(&mut batch, BATCH) => received,
                () = tokio::time::sleep(timer) => usize::MAX,
            };
            if received == 0 {
                return;
            }
            let now = SystemTime::now();
            if let Some(jump) = clock.observe(started.elapsed(), now) {
                self.handle_jump(jump, now);
            }
            for command in batch.drain(..) {
                let answer = self.handle(command, now);
                self.answers.extend(answer);
            }
            if self.settle().await.is_err() {
                return;
            }
        }
    }

    /// After a failed write the core has nothing due, yet there is something to write.
    fn until_due(&self) -> Duration {
        let now = SystemTime::now();
        let mut at = self.core.poll_at();
        if let Some(together) = &self.together {
            at = at.min(together.poll_at(now));
            if !self.answers.is_empty() {
                at = at.min(now + LOOK);
            }
        }
        at.duration_since(now).unwrap_or_default().min(MAX_SLEEP)
    }

    fn handle_jump(&mut self, jump: ClockJump, now: SystemTime) {
        self.counters.clock_jumps.fetch_add(1, Relaxed);
        tracing::warn!(
            "this machine's clock jumped {jump}: nodes whose clocks did not are refused as stale, \
             and followers refuse documents, while it is wrong"
        );
        if jump.ahead {
            self.core.handle_jump(now);
        }
    }

    fn handle(&mut self, command: Command, now: SystemTime) -> Option<Answer> {
        Some(match command {
            Command::Peer(from, message, _place) => {
                if let Some(together) = &mut self.together {
                    together.handle(from, message, now);
                }
                return None;
            }
            Command::Register(registration, answer) => {
                let outcome = self.core.handle_register(&registration, now);
                match &outcome {
                    Ok(Registered { listing: Listing::Renewed, .. }) => {
                        self.counters.renewed.fetch_add(1, Relaxed);
                    }
                    Ok(_) => {
                        self.counters.listed.fetch_add(1, Relaxed);
                    }
                    Err(rejection) => {
                        self.note_rejected(rejection, registration.claimed_name().as_deref());
                    }
                }
                answer_with(outcome, answer)
            }
            Command::Unregister(departure, answer) => {
                let outcome = self.core.handle_unregister(&departure, now);
                match &outcome {
                    Ok(None) => {}
                    Ok(Some(node)) => {
                        self.counters.departed.fetch_add(1, Relaxed);
                        tracing::info!(node = node.name, id = %node.id(), "node left");
                    }
                    Err(rejection) => self.note_rejected(rejection, None),
                }
                answer_with(outcome.map(drop), answer)
            }
            Command::Order(order, answer) => {
                let outcome = self.core.handle_order(&order, now);
                match &outcome {
                    Ok(Instruction::Parameters(_)) => {
                        tracing::info!(admin = %order.admin, "parameters changed");
                    }
                    Ok(Instruction::Admission(admission)) => {
                        let listed = admission.list().map(|list| list.iter().count());
                        tracing::info!(admin = %order.admin, listed, "admission changed");
                    }
                    Ok(Instruction::Remove(identity)) => {
                        tracing::info!(admin = %order.admin, id = %identity.id(), "node removed");
                    }
                    Err(rejection) => self.note_rejected(rejection, None),
                }
                answer_with(outcome.map(drop), answer)
            }
            // Like what changes it, answered when it is saved.
            Command::Admission(answer) => answer_with(Ok(self.core.admission().clone()), answer),
        })
    }

    fn note_rejected(&self, rejection: &Rejection, node: Option<&str>) {
        self.counters.count_rejected(rejection.reason());
        tracing::warn!(node, reason = %rejection.reason(), %rejection, "message refused");
    }

    /// Makes the documents that are due, or votes for them, saves what changed, and only then publishes and answers. A
    /// change is saved with its document, in one write: so there is one for each document at most.
    async fn settle(&mut self) -> Result<(), Taken> {
        let now = SystemTime::now();
        match self.core.poll(now) {
            Ok(polled) => {
                self.counters.expired.fetch_add(polled.expired.len() as u64, Relaxed);
                for node in polled.expired {
                    tracing::info!(node = node.name, id = %node.id(), "lease ended");
                }
                self.counters.documents.fetch_add(u64::from(polled.issued), Relaxed);
                if let Some(ahead) = polled.set_back {
                    tracing::warn!(
                        ?ahead,
                        "the clock was set back to before the epoch's start: another begins now"
                    );
                }
            }
            Err(error) => tracing::error!(%error, "no document could be made"),
        }
        let mut is_waiting = self.core.is_pending();
        let mut is_due = !is_waiting;
        if let Some(together) = &mut self.together {
            together.settle(&mut self.core, &self.counters, now);
            is_waiting =
                self.core.is_pending() || (!self.answers.is_empty() && together.is_waiting(now));
            is_due = !self.core.is_pending() || together.is_unsaved();
        }
        let saved = !is_due || !self.core.is_unsaved() || self.save().await?;
        if saved && is_due {
            self.publish();
        }
        if let Some(together) = &mut self.together {
            together.send(saved);
        }
        if is_waiting && self.answers.len() < MAX_WAITING {
            return Ok(());
        }
        for answer in self.answers.drain(..) {
            answer(saved);
        }
        Ok(())
    }

    /// Whether the state is saved now. If not, that is tried again only after a while, not for each
    /// command.
    async fn save(&mut self) -> Result<bool, Taken> {
        if self.save_again.is_some_and(|at| Instant::now() < at) {
            return Ok(false);
        }
        let saved = match &self.store {
            Some(store) => store.save(&self.core.snapshot()).await,
            None => Ok(()),
        };
        let Err(error) = saved else {
            self.save_again = None;
            if self.trouble.send_replace(None).is_some() {
                tracing::info!("state saved again");
            }
            self.core.set_saved();
            return Ok(true);
        };
        self.counters.save_failures.fetch_add(1, Relaxed);
        self.save_again = Some(Instant::now() + SAVE_AGAIN);
        let why = error.to_string();
        let new = self.trouble.borrow().as_ref() != Some(&why);
        if new {
            tracing::error!(error = why, "state not saved: the last document stays");
            self.trouble.send_replace(Some(why));
        }
        match error {
            StateError::Taken(_) => Err(Taken),
            _ => Ok(false),
        }
    }

    fn publish(&self) {
        let documents = self.core.documents();
        let Some(newest) = documents.back() else { return };
        let published = self.published.borrow().last().map(|issued| issued.document.version());
        if published == Some(newest.document.version()) {
            return;
        }
        let (epoch, revision) = newest.document.version();
        let nodes = newest.document.nodes.len();
        tracing::info!(epoch, revision, nodes, "document issued");
        self.counters.epoch.store(epoch, Relaxed);
        self.counters.nodes.store(nodes as u64, Relaxed);
        self.published.send_replace(Arc::new(documents.iter().cloned().collect()));
    }
}

fn answer_with<T: Send + 'static>(
    outcome: Result<T, Rejection>,
    answer: oneshot::Sender<Result<T, Refusal>>,
) -> Answer {
    Box::new(move |saved| {
        let outcome = match outcome {
            Ok(_) if !saved => Err(Refusal::NotSaved),
            outcome => outcome.map_err(Refusal::Rejected),
        };
        // Whoever asked may have gone.
        let _ = answer.send(outcome);
    })
}

/// The document that serves an epoch, or the current one for epoch 0.
pub(super) fn document_of(published: &Published, epoch: u64) -> Option<Arc<SignedDocument>> {
    let issued = match epoch {
        0 => published.last(),
        epoch => published.iter().find(|issued| issued.document.epoch == epoch),
    };
    issued.map(|issued| issued.signed.clone())
}
