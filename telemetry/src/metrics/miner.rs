//! Metrics of the miner.

use crate::Telemetry;

use super::catalogue::{self, Declaration};
use super::{Counter, Gauge};

const ALL: [&Declaration; 6] = [
    &catalogue::MINER_BLOCKS,
    &catalogue::MINER_TRANSACTIONS,
    &catalogue::MINER_OUTPUTS,
    &catalogue::MINER_HEIGHT,
    &catalogue::MINER_POOL,
    &catalogue::MINER_MONERODS,
];

/// What a miner counts. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct MinerMetrics {
    /// Blocks that made the beginning of a chain.
    pub start: Counter,
    /// Blocks for transactions that waited.
    pub transactions: Counter,
    /// Blocks after those.
    pub confirmations: Counter,
    /// Blocks for those who asked for money.
    pub fund: Counter,
    /// Transactions that the blocks held.
    pub included: Counter,
    /// Outputs paid to those who asked for money.
    pub outputs: Counter,
    /// Blocks of the longest chain.
    pub height: Gauge,
    /// Transactions that wait.
    pub pool: Gauge,
    /// Monerods that can be mined at.
    pub monerods: Gauge,
}

impl MinerMetrics {
    /// The metrics of one miner.
    #[must_use]
    pub fn new(telemetry: &Telemetry, name: &str) -> Self {
        let owner = telemetry.families().owner(&[("node", name)], &ALL);
        let blocks = |purpose| owner.counter(&catalogue::MINER_BLOCKS, &[purpose]);
        Self {
            start: blocks("start"),
            transactions: blocks("transactions"),
            confirmations: blocks("confirmations"),
            fund: blocks("fund"),
            included: owner.counter(&catalogue::MINER_TRANSACTIONS, &[]),
            outputs: owner.counter(&catalogue::MINER_OUTPUTS, &[]),
            height: owner.gauge(&catalogue::MINER_HEIGHT, &[]),
            pool: owner.gauge(&catalogue::MINER_POOL, &[]),
            monerods: owner.gauge(&catalogue::MINER_MONERODS, &[]),
        }
    }
}
