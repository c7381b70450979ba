//! How a wallet written in Rust uses the mixnet natively: [`Wallet`] keeps keys and outputs, signs
//! with the `monero-wallet` crate, and asks its questions of a daemon over a [`Mixnet`] instead of a
//! connection. Nothing listens, nothing else is dialled, and what it cannot ask through the mixnet
//! it does not ask.
//!
//! It is an example: it keeps nothing on disk, has one account and one address, and looks at
//! the chain anew at each start. `src/main.rs` is the program around it.

mod keys;
mod mixnet;
mod outputs;
mod wallet;

pub use keys::{KeyError, Keys};
pub use mixnet::Mixnet;
pub use outputs::{Outputs, OutputsError};
pub use wallet::{Payment, Wallet, WalletError};
