//! monero-wallet-rpc: what mixbed asks of it, typed.

mod client;
mod error;
mod transfer;

pub use client::{Balance, Output, Wallet};
pub use error::WalletError;
pub use transfer::{Destination, PreparedTransfer, Priority};
