//! Mining until given transactions are in a block (regtest only).

use std::time::{Duration, Instant};

use super::{Daemon, DaemonError, TxState};
use crate::TxId;

/// A transaction found in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The transaction.
    pub txid: TxId,
    /// The block's height.
    pub height: u64,
    /// Blocks from that one to the newest, both included.
    pub confirmations: u64,
}

impl Daemon {
    /// Mines blocks to `address` until monerod has every one of `txids` in a block.
    ///
    /// One block is not always enough: monerod's block template sometimes lags behind its pool.
    /// Gives up after `deadline` with [`DaemonError::NotMined`].
    pub async fn mine_until_included(
        &self,
        txids: &[TxId],
        address: &str,
        deadline: Duration,
    ) -> Result<Vec<Inclusion>, DaemonError> {
        let begin = Instant::now();
        loop {
            let found = included(txids, &self.transactions(txids).await?);
            let missing = txids.len() - found.len();
            if missing == 0 {
                return Ok(found);
            }
            if begin.elapsed() >= deadline {
                let wanted = txids.len();
                return Err(DaemonError::NotMined { missing, wanted, after: begin.elapsed() });
            }
            self.generate_blocks(1, address).await?;
        }
    }
}

fn included(txids: &[TxId], states: &[TxState]) -> Vec<Inclusion> {
    let pairs = txids.iter().zip(states);
    pairs
        .filter_map(|(&txid, &state)| match state {
            TxState::Mined { height, confirmations } => {
                Some(Inclusion { txid, height, confirmations })
            }
            TxState::InPool { .. } | TxState::Unknown => None,
        })
        .collect()
}
