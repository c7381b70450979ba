//! Where a transaction is: in the pool, in a block, or nowhere.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::TxId;

/// Where monerod has a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum TxState {
    /// It waits for a block.
    InPool {
        /// Whether monerod has passed it on, or would have if it had peers. It does so shortly
        /// after it accepted.
        relayed: bool,
    },
    /// It is in a block.
    Mined {
        /// The block's height.
        height: u64,
        /// Blocks from that one to the newest, both included; 0 if the daemon does not say.
        confirmations: u64,
    },
    /// monerod does not have it, or does not say so: a restricted listener hides a transaction
    /// until it was passed on, a moment after it was accepted.
    Unknown,
}

impl TxState {
    /// Whether monerod has the transaction at all.
    #[must_use]
    pub fn is_known(self) -> bool {
        self != Self::Unknown
    }
}

#[derive(Serialize)]
pub(super) struct Question {
    pub(super) txs_hashes: Vec<TxId>,
    /// Leaves the proofs out of the answer: only the place is wanted.
    pub(super) prune: bool,
}

#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    txs: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    tx_hash: TxId,
    #[serde(default)]
    in_pool: bool,
    #[serde(default)]
    relayed: bool,
    #[serde(default)]
    block_height: u64,
    #[serde(default)]
    confirmations: u64,
}

impl Answer {
    /// The state of each of `wanted`, in that order. What the daemon says of others is ignored.
    pub(super) fn states(&self, wanted: &[TxId]) -> Vec<TxState> {
        let known: HashMap<TxId, TxState> =
            self.txs.iter().map(|entry| (entry.tx_hash, entry.state())).collect();
        wanted.iter().map(|id| known.get(id).copied().unwrap_or(TxState::Unknown)).collect()
    }
}

impl Entry {
    fn state(&self) -> TxState {
        if self.in_pool {
            TxState::InPool { relayed: self.relayed }
        } else {
            TxState::Mined { height: self.block_height, confirmations: self.confirmations }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_in_the_order_asked() {
        let [pool, mined, absent] = [1, 2, 3].map(|n| TxId::from([n; 32]));
        let answer: Answer = serde_json::from_value(serde_json::json!({
            "status": "OK",
            "txs": [
                { "tx_hash": mined, "in_pool": false, "block_height": 7, "confirmations": 2 },
                { "tx_hash": pool, "in_pool": true, "relayed": true },
            ],
            "missed_tx": [absent],
        }))
        .unwrap();
        assert_eq!(
            answer.states(&[absent, pool, mined]),
            [
                TxState::Unknown,
                TxState::InPool { relayed: true },
                TxState::Mined { height: 7, confirmations: 2 }
            ]
        );
    }

    #[test]
    fn an_answer_without_transactions_knows_none() {
        let answer: Answer = serde_json::from_str(r#"{"status":"OK"}"#).unwrap();
        assert_eq!(answer.states(&[TxId::from([1; 32])]), [TxState::Unknown]);
    }
}
