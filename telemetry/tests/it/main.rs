//! The crate's tests from outside, in one program so that they link once.

#![expect(clippy::unwrap_used, reason = "these are tests, their helpers included")]

mod docs;
mod http;
mod metrics;
mod otlp;
mod spans;
