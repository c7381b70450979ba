//! Requests of which fragments are missing.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use mixbed_wire::DropReason;
use mixbed_wire::message::{Bitmap, Fragments, Inserted, MessageId};

use super::{Bounds, Fragment};

/// Requests of which fragments are missing, and since when nothing was heard of each.
#[derive(Default)]
pub(super) struct Unfinished {
    messages: HashMap<MessageId, Entry>,
    /// The same messages by the time of their last fragment.
    by_age: BTreeSet<(Instant, MessageId)>,
    bytes: usize,
}

struct Entry {
    fragments: Fragments,
    heard: Instant,
}

/// What came of a fragment.
pub(super) enum Added {
    /// These are held now; others are missing.
    Held(Bitmap),
    /// It was the last one. The message is not held here any more.
    Complete(Fragments),
}

impl Unfinished {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn held(&self, message: &MessageId) -> Option<Bitmap> {
        self.messages.get(message).map(|entry| entry.fragments.held())
    }

    /// When the message that was silent for longest was last heard of.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.by_age.first().map(|(heard, _)| *heard)
    }

    /// The whole message's cost, if this fragment is the only one that is missing.
    pub(super) fn would_complete(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let entry = self.messages.get(&fragment.message)?;
        let last = entry.fragments.len() + 1 == usize::from(entry.fragments.count())
            && fragment.count == entry.fragments.count()
            && fragment.index < fragment.count
            && !entry.fragments.contains(fragment.index);
        last.then(|| entry.fragments.cost() + fragment.data.len())
    }

    pub(super) fn add(
        &mut self,
        fragment: &Fragment<'_>,
        bounds: &Bounds,
        now: Instant,
    ) -> Result<Added, DropReason> {
        let Fragment { message, index, count, data } = *fragment;
        let known = self.messages.contains_key(&message);
        if !known {
            // Nothing is held for what can never be whole.
            Fragments::new(count)?.insert(index, count, data)?;
        }
        self.make_room(known, data.len() + Fragments::OVERHEAD, bounds, now)?;
        let entry = match self.messages.get_mut(&message) {
            Some(entry) => entry,
            None => self
                .messages
                .entry(message)
                .or_insert(Entry { fragments: Fragments::new(count)?, heard: now }),
        };
        let before = entry.fragments.cost();
        let inserted = entry.fragments.insert(index, count, data)?;
        self.bytes += entry.fragments.cost() - before;
        self.by_age.remove(&(entry.heard, message));
        if inserted == Inserted::Complete || entry.fragments.is_too_large() {
            let whole = self.messages.remove(&message).ok_or(DropReason::UnknownMessage)?;
            self.bytes -= whole.fragments.cost();
            return Ok(Added::Complete(whole.fragments));
        }
        entry.heard = now;
        self.by_age.insert((now, message));
        Ok(Added::Held(entry.fragments.held()))
    }

    /// Forgets messages of which nothing was heard for `age`.
    pub(super) fn expire(&mut self, age: Duration, now: Instant) {
        while let Some(&(heard, message)) = self.by_age.first()
            && now.saturating_duration_since(heard) >= age
        {
            self.forget(heard, message);
        }
    }

    fn make_room(
        &mut self,
        known: bool,
        bytes: usize,
        bounds: &Bounds,
        now: Instant,
    ) -> Result<(), DropReason> {
        loop {
            let few_enough = known || self.messages.len() < bounds.unfinished;
            if few_enough && self.bytes + bytes <= bounds.unfinished_bytes {
                return Ok(());
            }
            match self.by_age.first() {
                Some(&(heard, message))
                    if now.saturating_duration_since(heard) >= bounds.unfinished_grace =>
                {
                    self.forget(heard, message);
                }
                _ => return Err(DropReason::TooManyMessages),
            }
        }
    }

    fn forget(&mut self, heard: Instant, message: MessageId) {
        self.by_age.remove(&(heard, message));
        if let Some(entry) = self.messages.remove(&message) {
            self.bytes -= entry.fragments.cost();
        }
    }
}
