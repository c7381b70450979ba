//! As many connections as there may be, and who makes room for a new one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::provider::sessions::served::Moved;

/// The places of connections. Clones are the same.
///
/// When all are taken, the connection on which nothing has moved for longest makes room, if that is
/// longer than the grace: nobody keeps others out without going on moving bytes on all of them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    taken: Arc<Mutex<Taken>>,
    most: usize,
    grace: Duration,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    held: BTreeMap<u64, (Moved, CancellationToken)>,
}

/// A connection's place. It is free when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    places: Places,
    pub(super) moved: Moved,
    /// Cancelled when another needs the place.
    pub(super) needed: CancellationToken,
}

impl Places {
    pub(super) fn new(most: usize, grace: Duration) -> Self {
        Self { taken: Arc::default(), most, grace }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// A place for a connection that is made now; nothing if all are in use.
    pub(super) fn take(&self) -> Option<Place> {
        let mut taken = self.taken();
        if taken.held.len() >= self.most {
            let now = Instant::now();
            let rests = |moved: &Moved| now.saturating_duration_since(moved.last());
            let (number, rested) =
                taken.held.iter().map(|(n, (moved, _))| (*n, rests(moved))).max_by_key(|r| r.1)?;
            if rested <= self.grace {
                return None;
            }
            if let Some((_, needed)) = taken.held.remove(&number) {
                needed.cancel();
            }
        }
        let (moved, needed) = (Moved::new(), CancellationToken::new());
        let number = taken.next;
        taken.next += 1;
        taken.held.insert(number, (moved.clone(), needed.clone()));
        drop(taken);
        Some(Place { number, places: self.clone(), moved, needed })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().held.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn who_rests_longest_makes_room_and_nobody_who_moves() {
        let places = Places::new(2, GRACE);
        let first = places.take().expect("free");
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = places.take().expect("free");
        assert!(places.take().is_none(), "both are new");
        tokio::time::advance(GRACE).await;
        first.moved.now();
        assert!(places.take().is_none(), "one moves, the other has rested no longer than it may");
        tokio::time::advance(Duration::from_secs(1)).await;
        let third = places.take().expect("the second makes room");
        assert!(second.needed.is_cancelled());
        assert!(!first.needed.is_cancelled() && !third.needed.is_cancelled());
        drop(second);
        assert!(places.take().is_none(), "its place is another's by now");
        drop(first);
        assert!(places.take().is_some());
    }
}
