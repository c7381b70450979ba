//! The reply blocks that are at the provider, or may be.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use crate::BlockNo;

/// How long a reply may be on its way beside its block's life.
const GRACE: Duration = Duration::from_secs(10);

/// How long blocks of lost packets are still believed in. On a machine that has too much to do packets
/// that are seconds late are taken for lost: replies by their blocks have to be read all the same, or
/// nothing would be heard any more.
const DOUBT: Duration = Duration::from_secs(15);

/// How many blocks are remembered beyond those that the provider can still have.
const SLACK: usize = 64;

/// The blocks of one packet that did not come back.
#[derive(Debug)]
struct Given {
    at: Instant,
    left: Vec<BlockNo>,
    arrived: bool,
    /// Not counted any more: it was lost, or is too old.
    out: bool,
}

/// All blocks that were given away and did not come back.
#[derive(Debug)]
pub(super) struct Blocks {
    life: Duration,
    backs: BTreeMap<BlockNo, (Duration, u32)>,
    /// How many there are of each time.
    times: BTreeMap<Duration, usize>,
    packets: BTreeMap<u32, Given>,
    doubtful: VecDeque<(Instant, u32)>,
    /// Packets in the order of their sending, to become stale.
    aging: VecDeque<(Instant, u32)>,
    stale: u32,
    under_way: usize,
    there: usize,
    forget: VecDeque<BlockNo>,
}

impl Blocks {
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            backs: BTreeMap::new(),
            times: BTreeMap::new(),
            packets: BTreeMap::new(),
            doubtful: VecDeque::new(),
            aging: VecDeque::new(),
            stale: 0,
            under_way: 0,
            there: 0,
            forget: VecDeque::new(),
        }
    }

    /// A packet left with these.
    pub(super) fn give(&mut self, packet: u32, backs: &[(BlockNo, Duration)], now: Instant) {
        if backs.is_empty() {
            return;
        }
        for (block, back) in backs {
            self.backs.insert(*block, (*back, packet));
            *self.times.entry(*back).or_default() += 1;
        }
        let left = backs.iter().map(|(block, _)| *block).collect();
        self.packets.insert(packet, Given { at: now, left, arrived: false, out: false });
        self.aging.push_back((now, packet));
        self.under_way += backs.len();
    }

    /// A reply came by one: how long its way was meant to take, and the packet that brought it.
    pub(super) fn take(&mut self, block: BlockNo) -> Option<(Duration, u32)> {
        let (back, packet) = self.remove(block)?;
        if let Some(given) = self.packets.get_mut(&packet) {
            given.left.retain(|left| *left != block);
            match given {
                Given { out: true, .. } => {}
                Given { arrived: true, .. } => self.there -= 1,
                _ => self.under_way -= 1,
            }
            if given.left.is_empty() {
                self.packets.remove(&packet);
            }
        }
        Some((back, packet))
    }

    fn remove(&mut self, block: BlockNo) -> Option<(Duration, u32)> {
        let (back, packet) = self.backs.remove(&block)?;
        if let Some(count) = self.times.get_mut(&back) {
            *count -= 1;
            if *count == 0 {
                self.times.remove(&back);
            }
        }
        Some((back, packet))
    }

    /// The provider has a packet.
    pub(super) fn arrived(&mut self, packet: u32) {
        if let Some(given) = self.packets.get_mut(&packet).filter(|given| !given.arrived) {
            given.arrived = true;
            if given.out {
                // It was given up too early; its blocks count again unless they are too old.
                given.out = packet < self.stale;
            } else {
                self.under_way -= given.left.len();
            }
            if !given.out {
                self.there += given.left.len();
            }
        }
    }

    /// The provider does not get a packet.
    pub(super) fn lost(&mut self, packet: u32, now: Instant) {
        self.discount(packet);
        if self.packets.get(&packet).is_some_and(|given| !given.arrived) {
            self.doubtful.push_back((now + DOUBT, packet));
        }
    }

    fn discount(&mut self, packet: u32) {
        if let Some(given) = self.packets.get_mut(&packet).filter(|given| !given.out) {
            given.out = true;
            let count = if given.arrived { &mut self.there } else { &mut self.under_way };
            *count -= given.left.len();
        }
    }

    /// Stops counting on what is too old, and forgets what cannot come back.
    pub(super) fn age(&mut self, now: Instant) {
        while let Some((at, packet)) = self.aging.front().copied()
            && now.saturating_duration_since(at) >= self.life
        {
            self.aging.pop_front();
            self.stale = self.stale.max(packet + 1);
            self.discount(packet);
        }
        while let Some((until, packet)) = self.doubtful.front().copied()
            && now >= until
        {
            self.doubtful.pop_front();
            if self.packets.get(&packet).is_some_and(|given| !given.arrived) {
                self.drop_packet(packet);
            }
        }
        while let Some((&packet, given)) = self.packets.first_key_value()
            && now.saturating_duration_since(given.at) >= self.life + GRACE
        {
            self.drop_packet(packet);
        }
    }

    /// The provider uses blocks in about the order in which they came: if `alive` of them are not
    /// used or their replies not yet known as lost, older ones are.
    pub(super) fn trim(&mut self, alive: usize) {
        while self.there > alive + SLACK {
            let oldest = self.packets.iter().find(|(_, given)| given.arrived && !given.out);
            let Some((&packet, _)) = oldest else { break };
            self.drop_packet(packet);
        }
    }

    fn drop_packet(&mut self, packet: u32) {
        self.discount(packet);
        for block in self.packets.remove(&packet).into_iter().flat_map(|given| given.left) {
            self.remove(block);
            self.forget.push_back(block);
        }
    }

    /// The longest time that a reply may take.
    pub(super) fn longest(&self) -> Duration {
        self.times.last_key_value().map_or(Duration::ZERO, |(back, _)| *back)
    }

    /// Blocks of packets below this are too old.
    pub(super) fn stale(&self) -> u32 {
        self.stale
    }

    /// Blocks in packets that may still arrive.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Blocks that arrived, did not come back, and are not too old: the provider has at most these.
    pub(super) fn there(&self) -> usize {
        self.there
    }

    /// When [`age`](Self::age) has something to do next.
    pub(super) fn next_stale(&self) -> Option<Instant> {
        self.aging.front().map(|(at, _)| *at + self.life)
    }

    pub(super) fn poll_forget(&mut self) -> Option<BlockNo> {
        self.forget.pop_front()
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        let mut forget = std::mem::take(&mut self.forget);
        forget.extend(self.backs.keys());
        *self = Self { forget, stale: self.stale, ..Self::new(self.life) };
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to start from")]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn blocks_are_counted_until_they_come_back() {
        let now = Instant::now();
        let mut blocks = Blocks::new(ms(10_000));
        blocks.give(0, &[(BlockNo(0), ms(10)), (BlockNo(1), ms(90))], now);
        blocks.give(1, &[(BlockNo(2), ms(50))], now);
        assert_eq!((blocks.under_way(), blocks.there(), blocks.longest()), (3, 0, ms(90)));
        blocks.arrived(0);
        blocks.arrived(0);
        assert_eq!((blocks.under_way(), blocks.there()), (1, 2));
        assert_eq!(blocks.take(BlockNo(1)), Some((ms(90), 0)));
        assert_eq!(blocks.take(BlockNo(1)), None);
        assert_eq!((blocks.there(), blocks.longest()), (1, ms(50)));
        blocks.lost(1, now);
        assert_eq!(blocks.under_way(), 0);
        blocks.age(now + ms(9_999));
        assert_eq!((blocks.there(), blocks.stale()), (1, 0));
        blocks.age(now + ms(10_000));
        assert_eq!((blocks.there(), blocks.stale()), (0, 2));
        assert_eq!(blocks.poll_forget(), None, "replies may still come");
        blocks.age(now + DOUBT);
        assert_eq!(blocks.poll_forget(), Some(BlockNo(2)));
        assert_eq!(blocks.take(BlockNo(0)), Some((ms(10), 0)), "late");
    }

    #[test]
    fn what_was_given_up_too_early_counts_again() {
        let now = Instant::now();
        let mut blocks = Blocks::new(ms(10_000));
        blocks.give(0, &[(BlockNo(0), ms(10))], now);
        blocks.lost(0, now);
        blocks.arrived(0);
        assert_eq!((blocks.under_way(), blocks.there()), (0, 1));
        blocks.age(now + DOUBT);
        assert_eq!(blocks.poll_forget(), None);
    }

    #[test]
    fn they_are_bounded() {
        let now = Instant::now();
        let mut blocks = Blocks::new(ms(1_000));
        for packet in 0..100 {
            let backs: Vec<_> = (0..4).map(|at| (BlockNo(packet * 4 + at), ms(at))).collect();
            blocks.give(u32::try_from(packet).unwrap(), &backs, now);
            blocks.arrived(u32::try_from(packet).unwrap());
        }
        blocks.trim(100);
        assert_eq!(blocks.there(), 164);
        assert_eq!(blocks.poll_forget(), Some(BlockNo(0)));
        blocks.clear();
        assert_eq!(std::iter::from_fn(|| blocks.poll_forget()).count(), 399);
        assert_eq!((blocks.there(), blocks.under_way(), blocks.longest()), (0, 0, ms(0)));
    }
}
