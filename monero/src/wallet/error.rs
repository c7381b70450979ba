//! Why monero-wallet-rpc did not do what it was asked.

use crate::TxIdError;
use crate::rpc::RpcError;

/// Why a wallet request failed. The codes are monero-wallet-rpc's own.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// Code -37: there is money, but it is still locked.
    #[error(
        "the wallet's money is still locked; mine more blocks (a mining reward unlocks after 60)"
    )]
    Locked,
    /// Code -17: there is not enough money.
    #[error("the wallet has not enough money for this transfer")]
    NotEnoughMoney,
    /// Code -19: too few outputs on the chain to hide among.
    #[error("the chain has too few unlocked outputs for a ring; mine more blocks (75 are enough)")]
    NotEnoughDecoys,
    /// Code -2: not an address of this network.
    #[error("the wallet does not take this address: {0}")]
    Address(String),
    /// Code -21: a wallet of that name is there already.
    #[error("a wallet named `{0}` exists already")]
    Exists(String),
    /// Code -13: no wallet is open.
    #[error("no wallet is open in monero-wallet-rpc")]
    NotOpen,
    /// Code -38: the wallet has no daemon.
    #[error("monero-wallet-rpc has no connection to its daemon")]
    NoDaemon,
    /// Any other refusal, and every transport error.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The wallet made a transaction whose hex cannot be read.
    #[error("the wallet's transaction is not valid hexadecimal")]
    Hex(#[from] hex::FromHexError),
    /// The wallet gave an id that is none.
    #[error("the wallet's transaction id cannot be read: {0}")]
    TxId(#[from] TxIdError),
    /// The wallet's answer lacks a part.
    #[error("the wallet's answer lacks {0}")]
    Incomplete(&'static str),
}

impl WalletError {
    /// The typed error for monero-wallet-rpc's code; `subject` is what the request was about.
    pub(super) fn from_rpc(error: RpcError, subject: &str) -> Self {
        match error.code() {
            Some(-37) => Self::Locked,
            Some(-17) => Self::NotEnoughMoney,
            Some(-19) => Self::NotEnoughDecoys,
            Some(-2) => Self::Address(subject.to_owned()),
            Some(-21) => Self::Exists(subject.to_owned()),
            Some(-13) => Self::NotOpen,
            Some(-38) => Self::NoDaemon,
            _ => Self::Rpc(error),
        }
    }
}
