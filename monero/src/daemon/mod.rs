//! monerod's RPC: what mixbed asks of it, typed.

mod blocks;
mod client;
mod error;
mod info;
mod mine;
mod transactions;

pub use blocks::BlockTemplate;
pub use client::Daemon;
pub use error::DaemonError;
pub use info::Info;
pub use mine::Inclusion;
pub use transactions::TxState;
