//! What the Job of a Broadcast does.
//!
//! A wallet of its own gets money from the Mixnet's miner and makes transactions, each from an
//! output of its own, so that none conflicts with another. They go through the mixnet at a rate,
//! and are waited for until a monerod has them in a block. Everything that happens is in a report
//! ([`store`]), with the bytes of what is not mined yet: whoever starts with that report goes on
//! where the one before was killed, and sends nothing as new that was sent already.
//!
//! [`core`] has the rules, without I/O; [`run`] moves bytes and time.

mod chain;
mod config;
pub mod core;
mod error;
mod fund;
mod keeper;
mod mixnet;
mod purse;
mod run;
pub mod store;
mod voice;

pub use self::core::End;
pub use config::{Chain, RunConfig, Tasks};
pub use error::RunError;
pub use run::run;
