//! The handle, and the tasks that do what the journal says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use mixbed_monero::TxId;
use mixbed_wire::message::{Request, SUBMIT_SERVICE};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::journal::{Bounds, Entry, Full, Journal, Taken, Turn};
use super::store::Store;
use super::{BroadcastOrderError, BroadcastRecord, BroadcastState, JournalError};
use crate::broadcast::BroadcastOptions;
use crate::client::Client;

/// Broadcasts that are sent at the same time; others wait. A client has 64 messages under way.
const AT_A_TIME: usize = 16;

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
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct State {
    journal: Journal,
    outcomes: HashMap<TxId, watch::Sender<BroadcastRecord>>,
}

impl Broadcasts {
    /// Opens the journal in a directory (`broadcasts.redb`), which is made if it is missing, and
    /// goes on with what has not ended. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// See [`JournalError`]; what is no journal of this version is left as it is.
    pub fn open(client: Client, directory: &Path, bounds: Bounds) -> Result<Self, JournalError> {
        let (store, entries) = Store::open(directory)?;
        let journal = Journal::new(bounds, entries);
        let pending: Vec<_> = journal.records();
        let outcomes =
            pending.iter().map(|record| (record.txid, watch::Sender::new(record.clone())));
        let state = State { outcomes: outcomes.collect(), journal };
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            client,
            store: Arc::new(store),
            state: Mutex::new(state),
            orders: tokio::sync::Mutex::new(()),
            turns: Semaphore::new(AT_A_TIME),
            stop: stop.clone(),
            tasks: TaskTracker::new(),
        });
        for record in pending.into_iter().filter(|record| !record.state.has_ended()) {
            tracing::info!(txid = %record.txid, "goes on with a broadcast");
            shared.begin(record.txid);
        }
        Ok(Self { shared, _stop_when_dropped: Arc::new(stop.drop_guard()) })
    }

    /// Takes a raw transaction on. When this returns, it is on the disk, and will be sent by this
    /// process or the next, until `options.deadline` has passed by the machine's clock (a year at
    /// most). The same transaction again, while it is under way, is the same broadcast; after its
    /// end it is a new one.
    pub async fn order(
        &self,
        raw: &[u8],
        options: &BroadcastOptions,
    ) -> Result<TxId, BroadcastOrderError> {
        let txid = TxId::of(raw)?;
        if raw.len() > Request::max_payload(SUBMIT_SERVICE) {
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

    /// Waits until a broadcast has ended; none if it is not known, or the client stops before.
    pub async fn ended(&self, txid: TxId) -> Option<BroadcastRecord> {
        let mut watched = self.watch(txid)?;
        let ended = watched.wait_for(|record| record.state.has_ended());
        let ended = self.shared.stop.run_until_cancelled(ended).await?;
        ended.ok().map(|record| record.clone())
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
        let taken = self.state().journal.handle_order(txid, raw, options, SystemTime::now());
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

    fn begin(self: &Arc<Self>, txid: TxId) {
        let shared = Arc::clone(self);
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled_owned(shared.run(txid)).await });
    }

    /// Tries one broadcast until it has ended.
    async fn run(&self, txid: TxId) {
        let mut pause = FIRST_PAUSE;
        loop {
            let Ok(turn) = self.turns.acquire().await else { return };
            // Orders wait until an end is on the disk: a new order of the same transaction would be
            // written over by it.
            let mut order = self.orders.lock().await;
            let next = self.state().journal.handle_turn(txid, SystemTime::now());
            self.show(txid);
            if let Turn::Try(raw, mut options) = next {
                drop(order);
                options.traced &= self.is_tracing_allowed();
                let result = self.client.broadcast(&raw, options).await;
                order = self.orders.lock().await;
                self.state().journal.handle_result(txid, result, SystemTime::now());
            }
            drop(turn);
            if !self.keep(txid).await {
                return;
            }
            drop(order);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Writes down how a broadcast stands, and says it; whether it goes on.
    async fn keep(&self, txid: TxId) -> bool {
        let Some(entry) = self.state().journal.entry(txid).cloned() else { return false };
        let ended = entry.record.state.has_ended();
        if ended {
            tracing::info!(%txid, state = entry.record.state.name(), "a broadcast has ended");
        }
        // What cannot be written down is told all the same: at worst it is sent once more.
        if let Err(error) = self.write(entry).await {
            tracing::warn!(%txid, %error, "a broadcast's state could not be written down");
        }
        self.show(txid);
        if ended {
            self.forget().await;
        }
        !ended
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

impl BroadcastRecord {
    /// Whether monerod has it.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self.state, BroadcastState::Accepted { .. })
    }
}
