//! monero-wallet-rpc: what mixbed asks of it, typed.

mod client;
mod error;
mod money;
mod transfer;

pub use client::Wallet;
pub use error::WalletError;
pub use money::{Balance, Output};
pub use transfer::{Destination, PreparedTransfer, Priority};
