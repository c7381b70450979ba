//! Reply blocks that are kept for parts of responses to come.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use mixbed_wire::DropReason;
use mixbed_wire::message::MessageId;

use super::Bounds;

/// Reply blocks by their request, and when the last of each came. They have a place of their own,
/// not one with their request: they may come before its first fragment.
pub(super) struct Supplies<B> {
    held: HashMap<MessageId, Supply<B>>,
    /// The same requests by the time of their last block.
    by_age: BTreeSet<(Instant, MessageId)>,
    blocks: usize,
}

struct Supply<B> {
    /// A part of the response, and the block that it goes by.
    parts: Vec<(u16, B)>,
    heard: Instant,
}

impl<B> Default for Supplies<B> {
    fn default() -> Self {
        Self { held: HashMap::new(), by_age: BTreeSet::new(), blocks: 0 }
    }
}

impl<B> Supplies<B> {
    /// How many blocks are kept.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// When the request that was silent for longest was last heard of.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.by_age.first().map(|(heard, _)| *heard)
    }

    /// Keeps blocks for a request, as many of them as one request may have.
    pub(super) fn add(
        &mut self,
        message: MessageId,
        parts: impl Iterator<Item = (u16, B)>,
        bounds: &Bounds,
        now: Instant,
    ) -> Result<(), DropReason> {
        let kept = self.held.get(&message).map_or(0, |supply| supply.parts.len());
        let parts: Vec<_> = parts.take(bounds.supply.saturating_sub(kept)).collect();
        if parts.is_empty() {
            return Err(DropReason::TooManyMessages);
        }
        while self.blocks + parts.len() > bounds.supplies {
            match self.by_age.first() {
                Some(&(heard, oldest))
                    if oldest != message
                        && now.saturating_duration_since(heard) >= bounds.unfinished_grace =>
                {
                    self.take(&oldest);
                }
                _ => return Err(DropReason::TooManyMessages),
            }
        }
        self.blocks += parts.len();
        let supply = self.held.entry(message);
        let supply = supply.or_insert_with(|| Supply { parts: Vec::new(), heard: now });
        self.by_age.remove(&(supply.heard, message));
        self.by_age.insert((now, message));
        supply.heard = now;
        supply.parts.extend(parts);
        Ok(())
    }

    /// Hands out what is kept for a request.
    pub(super) fn take(&mut self, message: &MessageId) -> Option<Vec<(u16, B)>> {
        let supply = self.held.remove(message)?;
        self.by_age.remove(&(supply.heard, *message));
        self.blocks -= supply.parts.len();
        Some(supply.parts)
    }

    /// Forgets requests of which nothing came for `age`.
    pub(super) fn expire(&mut self, age: Duration, now: Instant) {
        while let Some(&(heard, message)) = self.by_age.first()
            && now.saturating_duration_since(heard) >= age
        {
            self.take(&message);
        }
    }
}
