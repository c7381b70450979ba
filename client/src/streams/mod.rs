//! Streams to services of providers, and through them to whatever they connect to.

mod error;
mod open;
mod options;

pub use error::StreamError;
pub use mixbed_session::{Code, Reason, Stream};
pub use options::StreamOptions;
