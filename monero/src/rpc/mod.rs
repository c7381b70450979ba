//! HTTP to a Monero program: one bounded, timed request at a time, plain or JSON-RPC.

mod access;
mod endpoint;
mod error;
mod forward;
mod http;
mod send;
mod tls;

pub use access::{Access, Fingerprint, FingerprintError, Trust};
pub(crate) use endpoint::words;
pub use endpoint::{DEFAULT_TIMEOUT, Endpoint, MAX_ANSWER_BYTES, address};
pub use error::RpcError;
pub use forward::{Forwarded, RawAnswer};
pub use http::{http_client, https_client};
