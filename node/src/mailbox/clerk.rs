//! Keeps the rules and the disk in step.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use mixbed_telemetry::MailboxMetrics;
use mixbed_wire::letter::{MailboxId, SealedLetter};
use mixbed_wire::message::{Collect, MailboxAnswer};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{LetterNo, MailboxBounds, MailboxConfig, Mailboxes, Put, Store, StoreError};

/// Requests that wait for the clerk: as many as a provider works on at a time. Those that wait
/// together are written with one sync of the disk.
const WAITING: usize = 64;

/// How often old letters are looked for when nobody comes.
const SWEEP: Duration = Duration::from_secs(60);

/// What a mailbox is to do.
pub(crate) enum Task {
    /// Keep a letter.
    Put(MailboxId, SealedLetter),
    /// The owner's command; it is proven to be the owner's.
    Collect(MailboxId, Collect),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered(pub(crate) String);

type Outcome = Result<MailboxAnswer, Unanswered>;
type Job = (Task, oneshot::Sender<Outcome>);

/// Where the clerk is asked.
#[derive(Clone)]
pub(crate) struct Desk(mpsc::Sender<Job>);

impl Desk {
    /// Waits for what the clerk says; what it says is written down.
    pub(crate) async fn ask(&self, task: Task) -> Outcome {
        let stopped = || Unanswered("the gateway is being stopped".to_owned());
        let (reply, outcome) = oneshot::channel();
        self.0.send((task, reply)).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

/// Works on what comes to its desk.
pub(crate) struct Clerk {
    jobs: mpsc::Receiver<Job>,
    /// Taken while it is at work.
    office: Option<Office>,
    keep_in: Option<PathBuf>,
    bounds: MailboxBounds,
    metrics: MailboxMetrics,
}

impl Clerk {
    /// Opens the file; [`run`](Self::run) does the work.
    pub(crate) fn new(
        config: &MailboxConfig,
        metrics: MailboxMetrics,
    ) -> Result<(Self, Desk), StoreError> {
        let (bounds, keep_in) = (config.bounds(), config.keep_in.clone());
        let office = Office::open(keep_in.as_ref(), bounds)?;
        let (desk, jobs) = mpsc::channel(WAITING);
        let mut clerk = Self { jobs, office: Some(office), keep_in, bounds, metrics };
        clerk.show();
        Ok((clerk, Desk(desk)))
    }

    /// Until stopped; the file is closed then.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(WAITING);
        loop {
            let came = tokio::select! {
                () = stop.cancelled() => return,
                came = tokio::time::timeout(SWEEP, self.jobs.recv_many(&mut batch, WAITING)) => came,
            };
            if came == Ok(0) {
                return;
            }
            self.work(std::mem::take(&mut batch)).await;
            self.show();
        }
    }

    /// Answers a batch, on a thread that may wait for the disk. A disk that fails is tried again
    /// with the next batch; what is on it is what counts then.
    async fn work(&mut self, batch: Vec<Job>) {
        let (tasks, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let (office, keep_in, bounds) = (self.office.take(), self.keep_in.clone(), self.bounds);
        let working = move || {
            let mut office = match office {
                Some(office) => office,
                None => Office::open(keep_in.as_ref(), bounds)?,
            };
            let outcomes = office.work(tasks, SystemTime::now())?;
            Ok::<_, StoreError>((office, outcomes))
        };
        let unanswered = match tokio::task::spawn_blocking(working).await {
            Ok(Ok((office, outcomes))) => {
                self.office = Some(office);
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    // Whoever asked may have gone.
                    let _ = reply.send(outcome);
                }
                return;
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "letters cannot be written");
                Unanswered("the gateway cannot write its letters; its log says why".to_owned())
            }
            Err(error) => {
                tracing::error!(%error, "the mailboxes' clerk failed");
                Unanswered("the gateway's mailboxes failed; its log says why".to_owned())
            }
        };
        for reply in replies {
            let _ = reply.send(Err(unanswered.clone()));
        }
    }

    fn show(&mut self) {
        if let Some(Office { mailboxes, .. }) = &mut self.office {
            let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            self.metrics.mailboxes.set(count(mailboxes.mailboxes()));
            self.metrics.letters.set(count(mailboxes.letters()));
            self.metrics.bytes.set(count(mailboxes.bytes()));
            self.metrics.expired.inc_by(mailboxes.take_expired());
        }
    }
}

/// The rules and the disk.
struct Office {
    mailboxes: Mailboxes,
    store: Store,
}

/// What is to be answered once the changes are on the disk.
enum Answer {
    Ready(MailboxAnswer),
    Letters { numbers: Vec<LetterNo>, waiting: u32, lease: Duration },
}

impl Office {
    fn open(keep_in: Option<&PathBuf>, bounds: MailboxBounds) -> Result<Self, StoreError> {
        let store = Store::open(keep_in.map(PathBuf::as_path))?;
        Ok(Self { mailboxes: store.load(bounds)?, store })
    }

    /// Does all of it, writes it down, and then says so. After an error what is in memory is not
    /// what is on the disk, and of no more use.
    fn work(&mut self, tasks: Vec<Task>, now: SystemTime) -> Result<Vec<Outcome>, StoreError> {
        self.mailboxes.handle_timeout(now);
        let answers: Vec<_> = tasks.into_iter().map(|task| self.handle(task, now)).collect();
        self.store.apply(&self.mailboxes.take_changes())?;
        let mut outcomes = Vec::with_capacity(answers.len());
        for answer in answers {
            outcomes.push(Ok(match answer {
                Answer::Ready(answer) => answer,
                Answer::Letters { numbers, waiting, lease } => {
                    let letters = self.store.letters(&numbers)?;
                    MailboxAnswer::Letters { waiting, lease, letters }
                }
            }));
        }
        Ok(outcomes)
    }

    fn handle(&mut self, task: Task, now: SystemTime) -> Answer {
        match task {
            Task::Put(mailbox, letter) => {
                Answer::Ready(match self.mailboxes.handle_put(mailbox, letter, now) {
                    Put::Kept(lasting) => MailboxAnswer::Kept { lasting },
                    Put::NoMailbox => MailboxAnswer::NoMailbox,
                    Put::Full => MailboxAnswer::Full,
                })
            }
            Task::Collect(mailbox, command) => {
                match self.mailboxes.handle_collect(mailbox, &command, now) {
                    Some(collected) => Answer::Letters {
                        numbers: collected.letters,
                        waiting: u32::try_from(collected.waiting).unwrap_or(u32::MAX),
                        lease: collected.lease,
                    },
                    None => Answer::Ready(MailboxAnswer::NoRoom),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
