//! How a miner goes about it.

use std::time::Duration;

/// How a miner goes about it. Times and counts; the default suits a test network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Time between two blocks, while there is reason for one. Default: 2 s.
    pub block_time: Duration,
    /// Blocks on a new chain, of [`Rules::block_outputs`] each. A transaction names 15 outputs of
    /// others besides its own, so that 64 are enough for the first. Default: 4.
    pub start_blocks: u64,
    /// The most outputs of a block's reward. Default: 16, as a transaction has at most.
    pub block_outputs: u64,
    /// Blocks after the last one that held a transaction: its change can be spent then.
    /// Default: 10.
    pub rest_blocks: u64,
    /// Blocks on top of one until its reward can be spent: monerod's rule is 59. Default: 60.
    pub ripe_after: u64,
    /// Empty blocks in a row after which a pool's transactions are taken for such as no block
    /// takes. Default: 20.
    pub fruitless_blocks: u64,
    /// How long nobody may have the newest blocks until they are taken for lost; and how long a
    /// monerod that lags behind is waited for. Default: 10 s.
    pub patience: Duration,
    /// How long a monerod is left alone that did not take a block. Default: 1 s.
    pub shun: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            block_time: Duration::from_secs(2),
            start_blocks: 4,
            block_outputs: 16,
            rest_blocks: 10,
            ripe_after: 60,
            fruitless_blocks: 20,
            patience: Duration::from_secs(10),
            shun: Duration::from_secs(1),
        }
    }
}
