//! The authority: lists nodes and signs documents.

mod actor;
mod config;
pub mod core;
mod counters;
mod epochs;
mod incoming;
mod members;
mod server;
mod service;
pub mod store;

pub use config::AuthorityConfig;
pub use counters::AuthorityCounters;
pub use epochs::Epochs;
pub use members::{Listing, Member};
pub use server::{Authority, StartError};
