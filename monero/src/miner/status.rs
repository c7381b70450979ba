//! How a miner is, for whoever watches it.

use crate::daemon::Info;

/// How a miner is.
#[derive(Clone, Debug, Default)]
pub struct MinerStatus {
    /// Each monerod, in the order given.
    pub monerods: Vec<MonerodStatus>,
    /// The number of blocks of the longest chain seen.
    pub height: u64,
    /// Transactions that wait: as many as in the fullest pool.
    pub pool: u64,
    /// Callers' orders for money under way.
    pub orders: usize,
    /// What was mined since the start.
    pub mined: Mined,
}

/// One monerod, as it was last seen.
#[derive(Clone, Debug)]
pub struct MonerodStatus {
    /// Its address.
    pub url: String,
    /// What it says of itself, or why it says nothing.
    pub state: Result<Info, String>,
}

/// What was mined since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mined {
    /// Blocks that made the beginning of a chain.
    pub start: u64,
    /// Blocks for transactions that waited.
    pub transactions: u64,
    /// Blocks after those.
    pub confirmations: u64,
    /// Blocks for those who asked for money.
    pub fund: u64,
    /// Transactions that the blocks held.
    pub included: u64,
    /// Outputs that went to those who asked for money.
    pub outputs: u64,
}

impl MonerodStatus {
    /// Why it cannot be mined at; `None` if it can.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        match &self.state {
            Err(why) => Some(why.clone()),
            Ok(info) if info.synchronized => None,
            Ok(info) if info.target_height > info.height => Some(format!(
                "{} is catching up: {} of {} blocks",
                self.url, info.height, info.target_height
            )),
            Ok(info) => Some(format!(
                "{} is not synchronized, at height {}: it waits for a peer",
                self.url, info.height
            )),
        }
    }
}

impl MinerStatus {
    /// Why nothing can be mined, a reason for each monerod. Empty: there is one to mine at.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let troubles: Vec<_> = self.monerods.iter().map(MonerodStatus::trouble).collect();
        if troubles.iter().any(Option::is_none) {
            return Vec::new();
        }
        troubles.into_iter().flatten().collect()
    }

    /// How many monerods can be mined at.
    #[must_use]
    pub fn usable(&self) -> usize {
        self.monerods.iter().filter(|monerod| monerod.trouble().is_none()).count()
    }
}
