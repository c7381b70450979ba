//! HTTP to a Monero program: one bounded, timed request at a time, plain or JSON-RPC.

mod endpoint;
mod error;
mod forward;

pub(crate) use endpoint::words;
pub use endpoint::{DEFAULT_TIMEOUT, Endpoint, MAX_ANSWER_BYTES};
pub use error::RpcError;
pub use forward::{Forwarded, RawAnswer};
