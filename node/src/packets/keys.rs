//! A node's packet keys: one an epoch, with the memory of what each has unwrapped.
#![deny(clippy::disallowed_methods)]

use std::sync::{Arc, Mutex, PoisonError};

use mixbed_wire::{DropReason, Opened, Packet, ReplayFilter, SphinxPublic, SphinxSecret};
use rand::Rng;

/// Workers rarely want the same part of a filter at once when there are this many.
const SHARDS: usize = 16;

/// One epoch's key.
struct PacketKey {
    epoch: u64,
    secret: SphinxSecret,
    /// Each part has the tags whose first byte falls to it; a lock is held for one look-up.
    seen: Vec<Mutex<ReplayFilter>>,
}

impl PacketKey {
    fn generate<R: Rng + ?Sized>(epoch: u64, replay_bound: usize, rng: &mut R) -> Self {
        let part = || Mutex::new(ReplayFilter::new(replay_bound.div_ceil(SHARDS)));
        Self {
            epoch,
            secret: SphinxSecret::generate(rng),
            seen: std::iter::repeat_with(part).take(SHARDS).collect(),
        }
    }

    fn pass(&self, opened: &Opened) -> Result<(), DropReason> {
        let tag = opened.replay_tag();
        let part = &self.seen[usize::from(tag[0]) % SHARDS];
        part.lock().unwrap_or_else(PoisonError::into_inner).pass(tag)
    }
}

/// The keys that are good now, the likeliest first: the current epoch's, the next one's (a sender
/// may be ahead), the previous one's (a packet may have been long on its way).
#[derive(Clone, Default)]
pub(crate) struct KeySet(Arc<[Arc<PacketKey>]>);

impl KeySet {
    /// Finds the key a packet was sealed for, and lets it pass once.
    ///
    /// A packet for none of the keys costs a scalar multiplication for each of them.
    pub(crate) fn open(&self, packet: &Packet) -> Result<Opened, DropReason> {
        for key in self.0.iter() {
            match packet.open(&key.secret) {
                Ok(opened) => return key.pass(&opened).map(|()| opened),
                Err(DropReason::BadMac) => {}
                Err(reason) => return Err(reason),
            }
        }
        Err(DropReason::BadMac)
    }
}

/// Makes keys ahead of their epoch and erases them after it.
pub(crate) struct KeyRing {
    keys: Vec<Arc<PacketKey>>,
    epoch: u64,
    replay_bound: usize,
}

impl KeyRing {
    /// No key yet; each will remember at most `replay_bound` packets.
    pub(crate) fn new(replay_bound: usize) -> Self {
        Self { keys: Vec::new(), epoch: 0, replay_bound }
    }

    /// It is `epoch` now: makes its key and the next one's where they are missing, erases those
    /// from before the previous epoch. Says whether anything changed.
    ///
    /// If epochs were missed (the directory was away), the keys of the last one that was heard of
    /// stay for one more: senders may have heard of no other.
    pub(crate) fn handle_epoch<R: Rng + ?Sized>(&mut self, epoch: u64, rng: &mut R) -> bool {
        let oldest = epoch.saturating_sub(1).min(self.epoch);
        let wanted = oldest..=epoch.saturating_add(1);
        self.epoch = epoch;
        let before = self.keys.len();
        self.keys.retain(|key| wanted.contains(&key.epoch));
        let mut changed = self.keys.len() != before;
        for epoch in epoch..=epoch.saturating_add(1) {
            if !self.keys.iter().any(|key| key.epoch == epoch) {
                let key = PacketKey::generate(epoch, self.replay_bound, rng);
                self.keys.push(Arc::new(key));
                changed = true;
            }
        }
        self.keys.sort_by_key(|key| match key.epoch {
            e if e == epoch => 0,
            e if e > epoch => 1,
            _ => 2,
        });
        changed
    }

    /// There is no document to go by any more: erases everything.
    pub(crate) fn erase(&mut self) {
        self.keys.clear();
    }

    /// What the workers are to use from now on.
    pub(crate) fn key_set(&self) -> KeySet {
        KeySet(self.keys.as_slice().into())
    }

    /// What the descriptor publishes, by ascending epoch.
    pub(crate) fn public(&self) -> Vec<(u64, SphinxPublic)> {
        let mut keys: Vec<_> =
            self.keys.iter().filter(|key| key.epoch >= self.epoch).map(published).collect();
        keys.sort_by_key(|(epoch, _)| *epoch);
        keys
    }
}

fn published(key: &Arc<PacketKey>) -> (u64, SphinxPublic) {
    (key.epoch, key.secret.public())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mixbed_wire::{HopAddress, NodeId, RouteHop};
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    fn packet_for(key: SphinxPublic, rng: &mut ChaCha20Rng) -> Packet {
        let address = HopAddress { node: NodeId::from_bytes([1; 8]), trace: None };
        let route = [RouteHop { address, key, delay: Duration::ZERO }; 5];
        Packet::seal(&route, address, [0; 16], b"", rng).expect("fits")
    }

    #[test]
    fn keys_live_from_the_epoch_before_theirs_to_the_one_after() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut keys = KeyRing::new(100);
        assert!(keys.handle_epoch(7, &mut rng));
        assert!(!keys.handle_epoch(7, &mut rng), "nothing new in the same epoch");
        let (epoch, next_key) = keys.public()[1];
        assert_eq!(epoch, 8);
        for now in 7..=9 {
            keys.handle_epoch(now, &mut rng);
            let packet = packet_for(next_key, &mut rng);
            assert!(keys.key_set().open(&packet).is_ok(), "in epoch {now}");
        }
        keys.handle_epoch(10, &mut rng);
        let packet = packet_for(next_key, &mut rng);
        assert_eq!(keys.key_set().open(&packet).map(|_| ()), Err(DropReason::BadMac));
    }

    #[test]
    fn after_missed_epochs_the_last_known_keys_serve_one_more() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut keys = KeyRing::new(100);
        keys.handle_epoch(1, &mut rng);
        let (_, last_known) = keys.public()[1];
        keys.handle_epoch(9, &mut rng);
        assert!(keys.key_set().open(&packet_for(last_known, &mut rng)).is_ok());
        assert_eq!(keys.public().iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [9, 10]);
        keys.handle_epoch(10, &mut rng);
        let late = packet_for(last_known, &mut rng);
        assert_eq!(keys.key_set().open(&late).map(|_| ()), Err(DropReason::BadMac));
    }

    #[test]
    fn a_packet_passes_once_even_when_the_epoch_turns_between() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut keys = KeyRing::new(100);
        keys.handle_epoch(1, &mut rng);
        let packet = packet_for(keys.public()[0].1, &mut rng);
        assert!(keys.key_set().open(&packet).is_ok());
        keys.handle_epoch(2, &mut rng);
        assert_eq!(keys.key_set().open(&packet).map(|_| ()), Err(DropReason::Replayed));
    }
}
