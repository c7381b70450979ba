//! Which packets a key has unwrapped, and how many all keys of a node may remember together.
#![deny(clippy::disallowed_methods)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use mixbed_wire::{DropReason, ReplayFilter, ReplayTag};

/// Workers rarely want the same part at once when there are this many, and one that grows (to
/// 160,000 tags of the 10 million that a key may see) keeps a packet waiting for 1 ms.
const PARTS: usize = 64;

/// How many tags all keys of a node remember together.
#[derive(Debug)]
pub(crate) struct ReplayRoom {
    used: AtomicUsize,
    bound: usize,
}

impl ReplayRoom {
    pub(crate) fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), bound })
    }

    /// Tags that are remembered now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Tags that may be.
    pub(crate) const fn bound(&self) -> usize {
        self.bound
    }
}

/// What one key has unwrapped. It gives its room back when it is dropped, with its key.
pub(crate) struct Seen {
    /// Each part has the tags whose first byte falls to it; a lock is held for one look-up.
    parts: Vec<Mutex<ReplayFilter>>,
    room: Arc<ReplayRoom>,
}

impl Seen {
    pub(crate) fn new(room: &Arc<ReplayRoom>) -> Self {
        let part = || Mutex::new(ReplayFilter::new(room.bound));
        Self { parts: std::iter::repeat_with(part).take(PARTS).collect(), room: Arc::clone(room) }
    }

    /// Lets a packet pass once. Several that come at the same time may exceed the room by one
    /// each.
    pub(crate) fn pass(&self, tag: ReplayTag) -> Result<(), DropReason> {
        let part = &self.parts[usize::from(tag[0]) % PARTS];
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        if self.room.used() < self.room.bound {
            part.pass(tag)?;
            self.room.used.fetch_add(1, Relaxed);
            return Ok(());
        }
        Err(if part.contains(&tag) { DropReason::Replayed } else { DropReason::ReplayFilterFull })
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let len = |part: &mut Mutex<ReplayFilter>| {
            part.get_mut().unwrap_or_else(PoisonError::into_inner).len()
        };
        let mine: usize = self.parts.iter_mut().map(len).sum();
        self.room.used.fetch_sub(mine, Relaxed);
    }
}
