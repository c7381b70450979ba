//! The generated types of the wire protocol. Nothing outside this crate sees them.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    clippy::unwrap_used,
    reason = "generated code"
)]

tonic::include_proto!("mixbed.directory.v1");

/// What an authority writes down for itself.
pub mod state {
    tonic::include_proto!("mixbed.directory.state.v1");
}
