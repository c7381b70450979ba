//! Everything that needs a real monerod. One program, so that it is linked once.
#![expect(clippy::unwrap_used, reason = "these are tests; the lint does not see it in helpers")]

mod access;
mod children;
mod common;
mod daemon;
mod failure_table;
mod miner;
mod stock;
mod submission;
mod versions;
mod wallet;
