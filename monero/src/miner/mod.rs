//! The only miner of a test network: [`Miner`].
//!
//! It mines while transactions wait, and ten blocks more, and on request gives an address money
//! that can be spent. `core` decides, without I/O; the shell asks and mines.

mod address;
mod base58;
mod coinbase;
mod core;
mod fund;
mod rules;
mod shell;
mod sights;
mod status;
#[cfg(test)]
mod tests;

pub use self::core::Purpose;
pub use address::{Address, AddressError};
pub use coinbase::TemplateError;
pub use rules::Rules;
pub use shell::{Funding, FundingError, Miner, MinerConfig};
pub use status::{Mined, MinerStatus, MonerodStatus};

/// Where blocks pay to that are nobody's: an address whose keys were thrown away.
pub const NOBODY: &str = "489bNk2KW6rVhbmw7p4hFeDzoG6QAK5QhQGLBSvzmKnvS7nCo4GWkexCHHKkP4U4qHbjFDbf4QVWHHCXTV8KqvLYS2GTQA9";

/// The most outputs that one order brings.
pub const MAX_OUTPUTS: u64 = 1_000;
