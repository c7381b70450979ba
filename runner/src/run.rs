//! The run itself: moves bytes and time, as the core says.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mixbed_monero::Daemon;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::chain::{self, Patience, Seen};
use crate::core::{End, Order, Outcome, Plan, Run, Saved};
use crate::fund::Miner;
use crate::keeper::{self, Kept, Wanted};
use crate::mixnet::Mixnet;
use crate::purse::{Made, Purse};
use crate::store::{Store, StoreError};
use crate::voice::{self, Voice};
use crate::{Chain, RunConfig, RunError};

/// How long the report's place is waited for at the start.
const START: Duration = Duration::from_secs(60);

/// How long a last write may take when the process is to stop.
const LAST_WRITE: Duration = Duration::from_secs(15);

/// Looks around at least so often, whatever happens.
const TICK: Duration = Duration::from_millis(500);

/// Between two tries to read the report.
const PAUSE: Duration = Duration::from_millis(500);

/// Does what is asked for, or goes on with it, until its end. `say` gets what is to be printed:
/// progress, and in the end the whole report.
///
/// `stop` ends it early: as cancelled if the report's place says so, else with
/// [`RunError::Interrupted`], to be gone on with by another process.
pub async fn run(
    config: RunConfig,
    mut store: Store,
    stop: CancellationToken,
    mut say: impl FnMut(&str),
) -> Result<End, RunError> {
    let clock = Clock::start();
    check(&config)?;
    let tasks = &config.tasks;
    let plan = Plan::new(tasks.transactions, tasks.interval, tasks.began, tasks.deadline);
    let saved = open(&mut store, &stop).await?;
    let place = store.place();
    let unreadable = |why| RunError::Saved { place: place.clone(), why };
    let run = Run::resume(plan, saved.unwrap_or_default(), clock.now()).map_err(unreadable)?;
    if let Some(end) = run.end() {
        // It ended before, and this process was started for nothing.
        voice::conclude(&run.report(), &mut say);
        return Ok(end.clone());
    }

    let mixnet = Mixnet::start(&config)?;
    let (urls, patience, front) = match &config.chain {
        Chain::Monerods(urls) => (urls.clone(), Patience::NEAR, None),
        Chain::Mixnet(listen) => {
            let front = mixnet.daemon_at(*listen).await?;
            (vec![format!("http://{}", front.addr())], Patience::FAR, Some(front))
        }
    };
    let monerods = urls.iter().map(|url| Daemon::new(url)).collect::<Result<Vec<_>, _>>()?;
    let (words, trouble) = watch::channel(String::new());
    let purse = Purse::new(
        &config.wallet,
        Miner::new(&config.miner)?,
        monerods.clone(),
        &config.name,
        words,
    )?;
    let mut helpers = JoinSet::new();
    let (asks, asked) = mpsc::channel(1);
    let (made, makes) = mpsc::channel(1);
    helpers.spawn(purse.work(asked, made));
    let (watched, wanted) = watch::channel(Vec::new());
    let (seen, sights) = mpsc::channel(1);
    helpers.spawn(chain::watch(monerods, patience, wanted, seen));
    let (to_keep, wanted) = watch::channel(None);
    let (kept, writes) = mpsc::channel(16);
    let keeper = tokio::spawn(keeper::keep(store, wanted, kept));

    let mut shell = Shell {
        clock,
        run,
        mixnet,
        attempts: JoinSet::new(),
        asks,
        asked: None,
        makes,
        watched,
        sights,
        trouble,
        keeper_trouble: String::new(),
        writes,
        to_keep,
    };
    let outcome = tokio::select! {
        outcome = shell.work(&mut say) => outcome,
        () = stop.cancelled() => Err(RunError::Interrupted(place.clone())),
    };
    // Nothing is sent any more; what was is in the report, or will be with the last write.
    shell.attempts.shutdown().await;
    helpers.shutdown().await;
    drop(front);
    shell.conclude(outcome, keeper, &stop, &place, &mut say).await
}

fn check(config: &RunConfig) -> Result<(), RunError> {
    if !(1..=1000).contains(&config.tasks.transactions) {
        let given = config.tasks.transactions;
        return Err(RunError::Config(format!("transactions is 1 to 1000, not {given}")));
    }
    match &config.chain {
        Chain::Monerods(urls) if urls.is_empty() => {
            Err(RunError::Config("no monerod to ask: name at least one".to_owned()))
        }
        Chain::Monerods(urls) => {
            urls.iter().try_for_each(|url| Daemon::new(url).map(drop)).map_err(RunError::from)
        }
        Chain::Mixnet(_) => Ok(()),
    }
}

/// Reads what was written before; waits a while for it to be readable.
async fn open(store: &mut Store, stop: &CancellationToken) -> Result<Option<Saved>, RunError> {
    let until = Instant::now() + START;
    loop {
        match store.open().await {
            Err(StoreError::Away { why, .. }) if Instant::now() < until => {
                tracing::warn!(why, "the report cannot be read; trying on");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = stop.cancelled() => return Err(RunError::Interrupted(store.place())),
                }
            }
            other => return Ok(other?),
        }
    }
}

/// The time since the Unix epoch, which does not jump while this process lives.
#[derive(Clone, Copy, Debug)]
struct Clock {
    began: Instant,
    at: Duration,
}

impl Clock {
    fn start() -> Self {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), at }
    }

    fn now(self) -> Duration {
        self.at + self.began.elapsed()
    }

    /// From now until then.
    fn until(self, at: Duration) -> Duration {
        at.saturating_sub(self.now())
    }
}

struct Shell {
    clock: Clock,
    run: Run,
    mixnet: Mixnet,
    attempts: JoinSet<(u32, Outcome)>,
    asks: mpsc::Sender<(u32, u32)>,
    /// The number that a transaction is being made for.
    asked: Option<u32>,
    makes: mpsc::Receiver<Made>,
    watched: watch::Sender<Vec<(u32, mixbed_monero::TxId)>>,
    sights: mpsc::Receiver<Seen>,
    /// What holds up the wallet.
    trouble: watch::Receiver<String>,
    /// What holds up the report.
    keeper_trouble: String,
    writes: mpsc::Receiver<Kept>,
    to_keep: watch::Sender<Wanted>,
}

impl Shell {
    /// Until the run has an end.
    async fn work(&mut self, say: &mut impl FnMut(&str)) -> Result<(), RunError> {
        let mut voice = Voice::default();
        loop {
            self.tell_trouble();
            self.run.handle_time(self.clock.now());
            while let Some(order) = self.run.poll_send(self.clock.now()) {
                self.send(order);
            }
            if self.asked.is_none()
                && let Some((number, missing)) = self.run.poll_make()
                && self.asks.try_send((number, missing)).is_ok()
            {
                self.asked = Some(number);
            }
            self.watched.send_if_modified(|last| {
                let watched = self.run.watched();
                let changed = *last != watched;
                *last = watched;
                changed
            });
            self.keep();
            voice.tell(&self.run, Instant::now(), say);
            if self.run.end().is_some() {
                return Ok(());
            }
            let wait = self.clock.until(self.run.poll_at()).min(TICK);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                Some(made) = self.makes.recv() => {
                    self.asked = None;
                    self.run.handle_made(made.number, made.txid, made.raw, self.clock.now());
                }
                Some(Ok((number, outcome))) = self.attempts.join_next() => {
                    if let Outcome::Unknown { words } | Outcome::Rejected { words } = &outcome {
                        tracing::warn!(number, words, "not broadcast");
                    }
                    self.run.handle_outcome(number, outcome, self.clock.now());
                }
                Some(seen) = self.sights.recv() => {
                    self.run.handle_sights(&seen.asked, &seen.sights, self.clock.now());
                }
                Some(kept) = self.writes.recv() => self.handle_kept(kept)?,
            }
        }
    }

    fn send(&mut self, order: Order) {
        let Order { number, raw } = order;
        let left = self.clock.until(self.run.plan().until);
        let mixnet = self.mixnet.clone();
        tracing::debug!(number, "sent");
        self.attempts.spawn(async move { (number, mixnet.broadcast(raw, left).await) });
    }

    fn handle_kept(&mut self, kept: Kept) -> Result<(), RunError> {
        match kept {
            Kept::Written(revision) => {
                self.keeper_trouble.clear();
                self.run.handle_written(revision);
            }
            Kept::Trouble(words) => self.keeper_trouble = words,
            Kept::Refused(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The first of what holds it up.
    fn tell_trouble(&mut self) {
        let wallet = self.trouble.borrow().clone();
        let all = [wallet, self.keeper_trouble.clone(), self.mixnet.trouble()];
        let first = all.into_iter().find(|words| !words.is_empty()).unwrap_or_default();
        self.run.handle_trouble(&first);
    }

    /// Has it written down, if there is something new.
    fn keep(&self) {
        let (revision, saved) = self.run.saved();
        let newer = |last: &Wanted| last.as_ref().is_none_or(|(known, _)| *known < revision);
        self.to_keep.send_if_modified(|last| {
            let newer = newer(last);
            if newer {
                *last = Some((revision, saved));
            }
            newer
        });
    }

    /// Writes the end down, and says it.
    async fn conclude(
        mut self,
        outcome: Result<(), RunError>,
        keeper: JoinHandle<Store>,
        stop: &CancellationToken,
        place: &str,
        say: &mut impl FnMut(&str),
    ) -> Result<End, RunError> {
        self.keep();
        drop((self.to_keep, self.writes));
        let patience = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST_WRITE).await;
        };
        let store = tokio::select! {
            store = keeper => store.ok(),
            () = patience => None,
        };
        self.mixnet.stop().await;
        if let (Err(RunError::Interrupted(_)), Some(mut store)) = (&outcome, store)
            && store.is_cancelled().await.unwrap_or_default()
        {
            self.run.handle_cancel();
            let (_, saved) = self.run.saved();
            let end = store.save(&saved).await;
            voice::conclude(&self.run.report(), say);
            return end.map(|()| End::Cancelled).map_err(RunError::from);
        }
        outcome?;
        voice::conclude(&self.run.report(), say);
        let end = self.run.end().cloned();
        end.ok_or_else(|| RunError::Interrupted(place.to_owned()))
    }
}
