//! Writes a run's report down while it goes, not too often.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::core::Saved;
use crate::store::{Store, StoreError};

/// From the beginning of a write to the next one: not more than four a second.
const OFTEN: Duration = Duration::from_millis(250);

/// And not more than about 400 kB a second: a `ConfigMap` is written as a whole.
const BYTE: Duration = Duration::from_nanos(2500);

/// From a write that failed to the next try.
const PAUSE: Duration = Duration::from_millis(500);

/// What is to be written, with the change that it is up to.
pub(crate) type Wanted = Option<(u64, Saved)>;

/// How a write went.
#[derive(Debug)]
pub(crate) enum Kept {
    /// Everything up to this change is written.
    Written(u64),
    /// Not written; trying on.
    Trouble(String),
    /// It will never be.
    Refused(StoreError),
}

/// Writes the newest of what is wanted until nobody wants anything any more, that included; then
/// gives the store back.
pub(crate) async fn keep(
    mut store: Store,
    mut wanted: watch::Receiver<Wanted>,
    kept: mpsc::Sender<Kept>,
) -> Store {
    loop {
        let last = wanted.changed().await.is_err();
        let newest = wanted.borrow_and_update().clone();
        let Some((revision, saved)) = newest else { return store };
        let began = Instant::now();
        match store.save(&saved).await {
            Ok(()) => {
                let _ = kept.send(Kept::Written(revision)).await;
                if last {
                    return store;
                }
                sleep_until(began + OFTEN.max(BYTE * weight(&saved))).await;
            }
            Err(error @ StoreError::Away { .. }) => {
                tracing::warn!(%error, "the report is not written; trying on");
                let _ = kept.send(Kept::Trouble(error.to_string())).await;
                sleep(PAUSE).await;
                wanted.mark_changed();
            }
            Err(error) => {
                let _ = kept.send(Kept::Refused(error)).await;
                return store;
            }
        }
    }
}

/// About so many bytes.
fn weight(saved: &Saved) -> u32 {
    let unresolved: usize = saved.unresolved.iter().map(|one| one.hex.len()).sum();
    u32::try_from(unresolved + saved.report.transactions.len() * 260).unwrap_or(u32::MAX)
}
