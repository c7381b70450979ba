//! Ready-made chains and transactions for tests, here and in other crates: good ones, and some
//! that monerod must refuse.
//!
//! Not for use outside tests.

mod big;
mod mutate;
mod ports;
mod stock;

pub use big::prepare_big;
pub use mutate::{corrupt_signature, make_heavier};
pub use ports::free_ports;
pub use stock::{Stock, StockError};
