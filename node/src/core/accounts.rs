//! A node's accounts in plain numbers.

use mixbed_wire::DropReason;

/// What became of a node's packets. They close at any time: `received + made = sent + delivered +
/// dropped + held`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Packets that came in over links.
    pub received: u64,
    /// Packets that the node made: replies and loops.
    pub made: u64,
    /// Packets that a link took.
    pub sent: u64,
    /// Packets that ended here, where they were wanted.
    pub delivered: u64,
    /// Packets dropped, by [`DropReason::index`].
    pub dropped: [u64; DropReason::NAMES.len()],
}

impl Default for Accounts {
    fn default() -> Self {
        Self { received: 0, made: 0, sent: 0, delivered: 0, dropped: [0; DropReason::NAMES.len()] }
    }
}

impl Accounts {
    /// Counts a packet that was dropped.
    pub fn drop(&mut self, reason: DropReason) {
        self.dropped[reason.index()] += 1;
    }

    /// Packets dropped for any reason.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Reasons for which packets were dropped, and how many.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = DropReason::NAMES.iter().zip(self.dropped);
        counts.filter(|(_, count)| *count > 0).map(|(name, count)| (*name, count))
    }

    /// Packets that must still be here.
    #[must_use]
    pub fn held(&self) -> u64 {
        (self.received + self.made).saturating_sub(self.sent + self.delivered + self.dropped())
    }
}
