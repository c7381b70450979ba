//! The daemon and wallet RPC that mixbed uses, typed, and a regtest daemon as a child process.
//!
//! - [`Daemon`] talks to monerod, [`Wallet`] to monero-wallet-rpc. Both are cheap to clone and
//!   read no more of an answer than [`rpc::MAX_ANSWER_BYTES`].
//! - [`calls`] is what a wallet may ask a daemon, and how that is written so that it tells nothing of the wallet.
//! - [`submit()`] is the provider's way of handing a transaction to monerod: idempotent, patient
//!   with a busy or absent daemon, and sure of a failure before it reports one.
//! - [`TxId::of`] computes a transaction's id from its bytes, so that nobody's word for it is
//!   needed.
//! - [`miner`] is the only miner of a test network of several monerods: it mines while transactions
//!   wait, and funds wallets.
//! - [`regtest`] starts monerod and monero-wallet-rpc as children that never outlive this process;
//!   [`FundedWallet`] makes real transactions with them.

pub mod calls;
pub mod daemon;
mod flag;
pub mod funded;
mod greeting;
pub mod miner;
pub mod regtest;
pub mod rpc;
pub mod submit;
pub mod testing;
mod txid;
mod verdict;
pub mod wallet;

pub use daemon::{Daemon, DaemonError};
pub use flag::Flag;
pub use funded::{FundError, FundedWallet};
pub use regtest::{Monerod, MonerodOptions, Program, RegtestError, WalletRpc, WalletRpcOptions};
pub use submit::{Outcome, Report, submit};
pub use txid::{TxId, TxIdError, TxParseError};
pub use verdict::{Rejection, Verdict};
pub use wallet::{PreparedTransfer, Wallet, WalletError};

/// The largest raw transaction that is handed to monerod, in bytes.
///
/// monerod drops, without an answer, a request whose body is over 1 MiB, and the body carries the
/// transaction in hexadecimal. 500,000 raw bytes stay below that, and well above the 149,400
/// weight units that monerod accepts.
pub const MAX_RAW_BYTES: usize = 500_000;
