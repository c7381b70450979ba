//! The handle, and the tasks that do what the journal says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use mixbed_monero::TxId;
use mixbed_wire::message::{HoldRequest, Request, SUBMIT_SERVICE};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::journal::{Bounds, Entry, Full, Journal, Next, Taken, Turn};
use super::store::Store;
use super::watch::SOON;
use super::{BroadcastOrderError, BroadcastRecord, BroadcastState, JournalError};
use crate::broadcast::{BroadcastError, BroadcastOptions, BroadcastReport, LocateError};
use crate::client::Client;
use crate::request::RequestError;

/// Broadcasts that are sent at the same time; others wait. A client has 64 messages under way.
const AT_A_TIME: usize = 16;

/// Transactions that are looked for at the same time.
const LOOKS: usize = 4;

/// How long a try has its turn to itself; then it makes room for one that waits.
const FAIR: Duration = Duration::from_secs(20);

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(30);

/// The clock may be put on or back: what is due later is looked at again.
const ASLEEP: Duration = Duration::from_secs(600);

/// The pause after a try that failed at once; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A client's durable broadcasts. Cheap to clone; what has not ended goes on until the last clone
/// is dropped, and again when the directory is opened the next time.
#[derive(Clone, Debug)]
pub struct Broadcasts {
    shared: Arc<Shared>,
    _stop_when_dropped: Arc<DropGuard>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    store: Arc<Store>,
    state: Mutex<State>,
    orders: tokio::sync::Mutex<()>,
    turns: Semaphore,
    /// How many wait for a turn.
    waiting: watch::Sender<usize>,
    looks: Semaphore,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct State {
    journal: Journal,
    outcomes: HashMap<TxId, watch::Sender<BroadcastRecord>>,
    /// Those that a task works on, and what wakes it.
    running: HashMap<TxId, Arc<Notify>>,
}

impl Broadcasts {
    /// Opens the journal in a directory (`broadcasts.redb`), which is made if it is missing, and
    /// goes on with what has not ended. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// See [`JournalError`]; what is no journal of this version is left as it is.
    pub fn open(client: Client, directory: &Path, bounds: Bounds) -> Result<Self, JournalError> {
        let (store, entries) = Store::open(directory)?;
        Ok(Self::begin(client, store, Journal::new(bounds, entries)))
    }

    /// A journal that is forgotten with the process. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn in_memory(client: Client, bounds: Bounds) -> Result<Self, JournalError> {
        Ok(Self::begin(client, Store::in_memory()?, Journal::new(bounds, [])))
    }

    fn begin(client: Client, store: Store, journal: Journal) -> Self {
        let records = journal.records();
        let outcomes =
            records.iter().map(|record| (record.txid, watch::Sender::new(record.clone())));
        let state = State { outcomes: outcomes.collect(), journal, running: HashMap::new() };
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            client,
            store: Arc::new(store),
            state: Mutex::new(state),
            orders: tokio::sync::Mutex::new(()),
            turns: Semaphore::new(AT_A_TIME),
            waiting: watch::Sender::new(0),
            looks: Semaphore::new(LOOKS),
            stop: stop.clone(),
            tasks: TaskTracker::new(),
        });
        for record in records.into_iter().filter(|record| !record.state.has_ended()) {
            tracing::info!("goes on with a broadcast");
            shared.begin(record.txid);
        }
        Self { shared, _stop_when_dropped: Arc::new(stop.drop_guard()) }
    }

    /// Takes a raw transaction on. When this returns, it is on the disk, and will be sent by this
    /// process or the next, until `options.deadline` has passed by the machine's clock (a year at
    /// most; a random wait comes on top). The same transaction again, while there is no word of it,
    /// is the same broadcast; later it is a new one.
    pub async fn order(
        &self,
        raw: &[u8],
        options: &BroadcastOptions,
    ) -> Result<TxId, BroadcastOrderError> {
        let txid = TxId::of(raw)?;
        if raw.len() + HoldRequest::OVERHEAD > Request::max_payload(SUBMIT_SERVICE) {
            return Err(BroadcastOrderError::TooLarge(raw.len()));
        }
        if self.shared.stop.is_cancelled() {
            return Err(BroadcastOrderError::Stopped);
        }
        // A task of its own: whoever orders may stop waiting, and the journal says the same as the
        // disk all the same.
        let shared = Arc::clone(&self.shared);
        let (raw, options) = (raw.to_vec(), options.clone());
        let taken =
            self.shared.tasks.spawn(async move { shared.order(txid, &raw, &options).await });
        taken.await.unwrap_or(Err(BroadcastOrderError::Stopped)).map(|()| txid)
    }

    /// All that are under way, and those that have ended and are remembered, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<BroadcastRecord> {
        self.shared.state().journal.records()
    }

    /// One broadcast, now and whenever something of it changes; the channel closes when it is
    /// forgotten. None if it is not known.
    #[must_use]
    pub fn watch(&self, txid: TxId) -> Option<watch::Receiver<BroadcastRecord>> {
        self.shared.state().outcomes.get(&txid).map(watch::Sender::subscribe)
    }

    /// Waits until a monerod has taken or refused a transaction, or it is given up; none if it is
    /// not known, or the client stops before.
    pub async fn settled(&self, txid: TxId) -> Option<BroadcastRecord> {
        self.wait_for(txid, |record| record.state.is_settled()).await
    }

    /// Waits until a broadcast has ended: the transaction is in a block, or will not be; none if it
    /// is not known, or the client stops before.
    pub async fn ended(&self, txid: TxId) -> Option<BroadcastRecord> {
        self.wait_for(txid, |record| record.state.has_ended()).await
    }

    /// As [`settled`](Self::settled), and if another provider can be asked for it, until that one
    /// knows of it as well, or did not for about a minute.
    pub async fn confirmed(&self, txid: TxId) -> Option<BroadcastRecord> {
        let is_so = |record: &BroadcastRecord| {
            record.state.is_settled() && !self.is_being_confirmed(record)
        };
        self.wait_for(txid, is_so).await
    }

    /// Whether a transaction was accepted and another provider is being asked for it just now.
    #[must_use]
    pub fn is_being_confirmed(&self, record: &BroadcastRecord) -> bool {
        let BroadcastState::Accepted { provider, confirmed_by: None, watched: true, .. } =
            &record.state
        else {
            return false;
        };
        let not: Vec<_> = record.found_out.iter().chain([provider]).cloned().collect();
        record.confirm
            && record.looks < SOON
            && self.shared.client.others(&not).is_ok_and(|others| !others.is_empty())
    }

    async fn wait_for(
        &self,
        txid: TxId,
        is_so: impl FnMut(&BroadcastRecord) -> bool,
    ) -> Option<BroadcastRecord> {
        let mut watched = self.watch(txid)?;
        let found = self.shared.stop.run_until_cancelled(watched.wait_for(is_so)).await?;
        found.ok().map(|record| record.clone())
    }

    /// Stops sending, and closes the file when the last clone is dropped. What has not ended is
    /// taken up by whoever opens it next.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    /// Held for one step of the journal, never while anything waits.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn order(
        self: &Arc<Self>,
        txid: TxId,
        raw: &[u8],
        options: &BroadcastOptions,
    ) -> Result<(), BroadcastOrderError> {
        // One at a time: what is said to be under way is on the disk.
        let _order = self.orders.lock().await;
        let now = SystemTime::now();
        let taken = self.state().journal.handle_order(txid, raw, options, now, &mut rand::rng());
        let entry = match taken {
            Ok(Taken::New(entry)) => entry,
            Ok(Taken::Pending) => return Ok(()),
            Err(Full { pending, bytes }) => {
                return Err(BroadcastOrderError::TooMany { pending, bytes });
            }
        };
        if let Err(error) = self.write(*entry).await {
            self.state().journal.handle_unwritten(txid);
            return Err(error.into());
        }
        self.show(txid);
        self.begin(txid);
        Ok(())
    }

    /// Has a task work on it, one at a time.
    fn begin(self: &Arc<Self>, txid: TxId) {
        let wake = Arc::new(Notify::new());
        if let Some(running) = self.state().running.get(&txid) {
            return running.notify_one();
        }
        self.state().running.insert(txid, Arc::clone(&wake));
        let (shared, stop) = (Arc::clone(self), self.stop.clone());
        self.tasks
            .spawn(async move { stop.run_until_cancelled_owned(shared.run(txid, &wake)).await });
    }

    /// Works on one broadcast until it has ended.
    async fn run(&self, txid: TxId, wake: &Notify) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.next(txid).await {
                Next::Nothing => return,
                Next::Look(at) => {
                    let left = at.duration_since(SystemTime::now()).unwrap_or_default();
                    if left > Duration::ZERO {
                        tokio::select! {
                            () = tokio::time::sleep(left.min(ASLEEP)) => {}
                            () = wake.notified() => {}
                        }
                        continue;
                    }
                    self.look(txid).await;
                    pause = FIRST_PAUSE;
                }
                Next::Send => {
                    if self.send(txid).await {
                        continue;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// What is next; if it is nothing, no task works on it any more.
    async fn next(&self, txid: TxId) -> Next {
        // Orders wait until an end is on the disk: a new order of the same transaction would be
        // written over by it.
        let _order = self.orders.lock().await;
        let next = self.state().journal.next(txid, SystemTime::now(), &mut rand::rng());
        if next == Next::Nothing {
            self.keep(txid).await;
            self.state().running.remove(&txid);
        }
        next
    }

    /// Tries it once; whether there is a word of it.
    async fn send(&self, txid: TxId) -> bool {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let turn = self.turns.acquire().await;
        self.waiting.send_modify(|waiting| *waiting -= 1);
        let Ok(_turn) = turn else { return false };
        let now = SystemTime::now();
        let Some(turn) = self.state().journal.handle_turn(txid, now) else { return true };
        self.show(txid);
        let result = tokio::select! {
            result = self.tried(turn) => result,
            () = self.give_way() => return false,
        };
        let is_word = result.is_ok() || matches!(result, Err(BroadcastError::Rejected { .. }));
        let _order = self.orders.lock().await;
        self.state().journal.handle_result(txid, result, SystemTime::now());
        self.keep(txid).await;
        is_word
    }

    async fn tried(&self, turn: Turn) -> Result<BroadcastReport, BroadcastError> {
        let Turn { raw, mut options, wait } = turn;
        options.traced &= self.is_tracing_allowed();
        match wait {
            Some(wait) => self.client.hold(&raw, wait, &options).await,
            None => self.client.broadcast(&raw, options).await,
        }
    }

    /// Ends when this try has had its time and another one waits: hopeless ones are not to keep
    /// those away that would succeed.
    async fn give_way(&self) {
        tokio::time::sleep(FAIR).await;
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    /// Asks where it is.
    async fn look(&self, txid: TxId) {
        let Ok(_look) = self.looks.acquire().await else { return };
        let not = self.state().journal.handle_look(txid);
        let located = match self.client.locate(txid, &not, LOOK).await {
            Err(LocateError::Request(RequestError::Stopped)) => return,
            located => located.map_err(|error| error.to_string()),
        };
        let _order = self.orders.lock().await;
        let found = self.state().journal.handle_located(txid, located, SystemTime::now());
        if let Some(found) = found {
            let super::watch::FoundOut { provider, promise, denied_by, after } = found;
            self.client.found_out(&provider, txid, promise, denied_by, after);
        }
        self.keep(txid).await;
    }

    /// Writes down how a broadcast stands, and says it.
    async fn keep(&self, txid: TxId) {
        let Some(entry) = self.state().journal.entry(txid).cloned() else { return };
        let state = &entry.record.state;
        let is_new = self
            .state()
            .outcomes
            .get(&txid)
            .is_none_or(|shown| shown.borrow().state.name() != state.name());
        if is_new {
            tracing::info!(state = state.name(), "a broadcast");
        }
        let ended = state.has_ended();
        // What cannot be written down is told all the same: at worst it is sent once more.
        if let Err(error) = self.write(entry).await {
            tracing::warn!(%error, "a broadcast's state could not be written down");
        }
        self.show(txid);
        if ended {
            self.forget().await;
        }
    }

    async fn forget(&self) {
        let forgotten = self.state().journal.forget(SystemTime::now());
        if forgotten.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        {
            let mut state = self.state();
            for txid in &forgotten {
                state.outcomes.remove(txid);
            }
        }
        let removed = tokio::task::spawn_blocking(move || store.remove(&forgotten)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, "old broadcasts could not be removed");
        }
    }

    async fn write(&self, entry: Entry) -> Result<(), JournalError> {
        let store = Arc::clone(&self.store);
        let written = tokio::task::spawn_blocking(move || store.put(&entry)).await;
        written.unwrap_or_else(|unfinished| Err(self.store.unwritten(unfinished)))
    }

    fn show(&self, txid: TxId) {
        let mut state = self.state();
        let Some(record) = state.journal.entry(txid).map(|entry| entry.record.clone()) else {
            return;
        };
        state
            .outcomes
            .entry(txid)
            .or_insert_with(|| watch::Sender::new(record.clone()))
            .send_replace(record);
    }

    fn is_tracing_allowed(&self) -> bool {
        let document = self.client.directory().current();
        document.is_some_and(|document| document.parameters.tracing_allowed)
    }
}
