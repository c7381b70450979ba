//! A node's packet keys: one an epoch, with the memory of what each has unwrapped.
#![deny(clippy::disallowed_methods)]

use std::ops::RangeInclusive;
use std::sync::Arc;

use mixbed_directory::limits::KEYS_AHEAD;
use mixbed_wire::{DropReason, Packet, PacketFormat, SphinxPublic};
use rand::Rng;

use super::seen::{ReplayRoom, Seen};

/// One epoch's key.
struct PacketKey<P: PacketFormat> {
    epoch: u64,
    secret: P::Secret,
    seen: Seen,
}

/// The keys that are good now, the likeliest first: the current epoch's, then those next to it (a
/// sender may be ahead; a packet may have been long on its way), then the others.
pub(crate) struct KeySet<P: PacketFormat = Packet>(Arc<[Arc<PacketKey<P>>]>);

impl<P: PacketFormat> Default for KeySet<P> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<P: PacketFormat> Clone for KeySet<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: PacketFormat> KeySet<P> {
    /// Finds the key a packet was sealed for, and lets it pass once.
    ///
    /// A packet for none of the keys costs a scalar multiplication for each of them.
    pub(crate) fn open(&self, packet: &P) -> Result<P::Opened, DropReason> {
        for key in self.0.iter() {
            match packet.open(&key.secret) {
                Ok(opened) => return key.seen.pass(P::replay_tag(&opened)).map(|()| opened),
                Err(DropReason::BadMac) => {}
                Err(reason) => return Err(reason),
            }
        }
        Err(DropReason::BadMac)
    }
}

/// Makes keys ahead of their epoch and erases them after it.
///
/// A key is made three epochs before its own ([`KEYS_AHEAD`]), so that it is published before
/// anyone needs it; it is good at once, and until as many epochs after its own as the document
/// says. Erased, it never comes back: a key that is made again for its epoch is another one.
pub(crate) struct KeyRing<P: PacketFormat = Packet> {
    keys: Vec<Arc<PacketKey<P>>>,
    epoch: u64,
    /// The last epoch before the current one, if some between them were missed.
    missed_since: Option<u64>,
    room: Arc<ReplayRoom>,
}

impl<P: PacketFormat> KeyRing<P> {
    /// No key yet; all that there will be remember at most `replay_tags` packets together.
    pub(crate) fn new(replay_tags: usize) -> Self {
        let room = ReplayRoom::new(replay_tags);
        Self { keys: Vec::new(), epoch: 0, missed_since: None, room }
    }

    /// How full the memory of packets is.
    pub(crate) fn room(&self) -> &ReplayRoom {
        &self.room
    }

    /// It is `epoch` now, and keys are good for `grace` epochs after their own: makes those that
    /// are missing from the current one's on, erases those that are over. Says whether anything
    /// changed.
    ///
    /// If epochs were missed, the keys from the last one that was heard of on stay for this one:
    /// senders may have heard of no others.
    pub(crate) fn handle_epoch<R: Rng + ?Sized>(
        &mut self,
        epoch: u64,
        grace: u64,
        rng: &mut R,
    ) -> bool {
        if epoch != self.epoch {
            let missed = epoch > self.epoch.saturating_add(1);
            self.missed_since = missed.then_some(self.epoch);
            self.epoch = epoch;
        }
        let good = self.good(grace);
        let before = self.keys.len();
        self.keys.retain(|key| good.contains(&key.epoch));
        let mut changed = self.keys.len() != before;
        for epoch in epoch..=epoch.saturating_add(KEYS_AHEAD) {
            if !self.keys.iter().any(|key| key.epoch == epoch) {
                let (secret, seen) = (P::secret(rng), Seen::new(&self.room));
                self.keys.push(Arc::new(PacketKey { epoch, secret, seen }));
                changed = true;
            }
        }
        self.keys.sort_by_key(|key| (key.epoch.abs_diff(epoch), key.epoch < epoch));
        changed
    }

    /// Epochs whose keys are good now. One more than is made ahead: by a clock that was set back
    /// a little, a key can be of the epoch after those.
    fn good(&self, grace: u64) -> RangeInclusive<u64> {
        let oldest = self.epoch.saturating_sub(grace);
        let oldest = self.missed_since.map_or(oldest, |missed| missed.min(oldest));
        oldest..=self.epoch.saturating_add(KEYS_AHEAD + 1)
    }

    /// There is no document to go by any more: erases everything.
    pub(crate) fn erase(&mut self) {
        self.keys.clear();
    }

    /// What the workers are to use from now on.
    pub(crate) fn key_set(&self) -> KeySet<P> {
        KeySet(self.keys.as_slice().into())
    }

    /// What the descriptor publishes, by ascending epoch: the current epoch's and those after it.
    pub(crate) fn public(&self) -> Vec<(u64, SphinxPublic)> {
        let ahead = self.epoch..=self.epoch.saturating_add(KEYS_AHEAD);
        let published = self.keys.iter().filter(|key| ahead.contains(&key.epoch));
        let mut keys: Vec<_> = published.map(|key| (key.epoch, P::public(&key.secret))).collect();
        keys.sort_by_key(|(epoch, _)| *epoch);
        keys
    }
}

#[cfg(test)]
mod tests;
