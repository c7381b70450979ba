//! What a wallet owns.

use serde::Deserialize;

/// How much money a wallet has, in atomic units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// All of it.
    #[serde(rename = "balance")]
    pub total: u64,
    /// What can be spent now.
    #[serde(rename = "unlocked_balance")]
    pub unlocked: u64,
    /// Blocks until the rest can be spent.
    #[serde(default)]
    pub blocks_to_unlock: u64,
}

/// An output that the wallet owns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Output {
    /// In atomic units.
    pub amount: u64,
    /// The mark that appears on the chain when it is spent, hexadecimal.
    pub key_image: String,
    /// Whether the wallet has seen it spent.
    #[serde(default)]
    pub spent: bool,
    /// Whether the wallet is told not to spend it.
    #[serde(default)]
    pub frozen: bool,
    /// Whether it can be spent already.
    #[serde(default)]
    pub unlocked: bool,
}
