//! A transfer, before and after the wallet has made a transaction of it.

use serde::{Deserialize, Serialize};

use super::WalletError;
use crate::TxId;

/// Where money goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Destination {
    /// In atomic units: 10^12 are one XMR.
    pub amount: u64,
    /// The receiver.
    pub address: String,
}

/// How much fee the wallet pays for being mined soon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// What the wallet finds right: the lowest, while blocks are not full.
    #[default]
    Default,
    /// The lowest fee that monerod relays.
    Low,
    /// About four times the lowest.
    Normal,
    /// About sixteen times the lowest.
    High,
    /// Two hundred times the lowest.
    Highest,
}

impl Priority {
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Low => 1,
            Self::Normal => 2,
            Self::High => 3,
            Self::Highest => 4,
        }
    }
}

/// A signed transaction that nobody has seen yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedTransfer {
    /// The transaction's id, as the wallet gives it.
    pub txid: TxId,
    /// The transaction (in serialised form: hexadecimal).
    #[serde(with = "hex::serde")]
    pub raw: Vec<u8>,
    /// The fee, in atomic units.
    pub fee: u64,
    /// What arrives, in atomic units, the change not counted.
    pub amount: u64,
    /// The size that fees are reckoned by.
    pub weight: u64,
    /// The marks of the outputs it spends, hexadecimal: two transactions that share one are a
    /// double spend.
    pub key_images: Vec<String>,
}

/// monero-wallet-rpc's answer to `transfer`.
#[derive(Deserialize)]
pub(super) struct Made {
    tx_hash: TxId,
    tx_blob: String,
    #[serde(default)]
    fee: u64,
    #[serde(default)]
    amount: u64,
    #[serde(default)]
    weight: u64,
    #[serde(default)]
    spent_key_images: KeyImages,
}

#[derive(Default, Deserialize)]
struct KeyImages {
    #[serde(default)]
    key_images: Vec<String>,
}

impl Made {
    pub(super) fn into_prepared(self) -> Result<PreparedTransfer, WalletError> {
        Ok(PreparedTransfer {
            txid: self.tx_hash,
            raw: hex::decode(self.tx_blob)?,
            fee: self.fee,
            amount: self.amount,
            weight: self.weight,
            key_images: self.spent_key_images.key_images,
        })
    }
}

/// monero-wallet-rpc's answer to `sweep_all`, `sweep_single` and `transfer_split`: one list a field.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "monero-wallet-rpc's own names")]
pub(super) struct MadeList {
    #[serde(default)]
    tx_hash_list: Vec<TxId>,
    #[serde(default)]
    tx_blob_list: Vec<String>,
    #[serde(default)]
    fee_list: Vec<u64>,
    #[serde(default)]
    amount_list: Vec<u64>,
    #[serde(default)]
    weight_list: Vec<u64>,
    #[serde(default)]
    spent_key_images_list: Vec<KeyImages>,
}

impl MadeList {
    pub(super) fn into_prepared(self) -> Result<Vec<PreparedTransfer>, WalletError> {
        if self.tx_hash_list.len() != self.tx_blob_list.len() {
            return Err(WalletError::Incomplete("a transaction for each id"));
        }
        let mut key_images = self.spent_key_images_list.into_iter();
        let transactions = self.tx_hash_list.into_iter().zip(self.tx_blob_list);
        transactions
            .enumerate()
            .map(|(n, (txid, blob))| {
                let nth = |list: &[u64]| list.get(n).copied().unwrap_or_default();
                Ok(PreparedTransfer {
                    txid,
                    raw: hex::decode(blob)?,
                    fee: nth(&self.fee_list),
                    amount: nth(&self.amount_list),
                    weight: nth(&self.weight_list),
                    key_images: key_images.next().unwrap_or_default().key_images,
                })
            })
            .collect()
    }
}
