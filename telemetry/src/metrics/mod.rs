//! Metrics: declared in one place ([`catalogue`]), kept in [`families`], handed out as structs of
//! resolved handles.

pub(crate) mod catalogue;
mod client;
mod directory;
mod exported;
mod families;
mod gauges;
mod histogram;
mod loops;
mod mailbox;
mod miner;
mod node;
mod operator;
mod provider;
mod streams;

pub use client::{ClientMetrics, ClientReadings};
pub use directory::{DirectoryMetrics, FollowerMetrics};
pub(crate) use exported::Exported;
pub(crate) use families::{Families, Owner};
pub use gauges::Age;
pub use histogram::Histogram;
pub use loops::{LoopMetrics, SuspectMetric};
pub use mailbox::MailboxMetrics;
pub use miner::MinerMetrics;
pub use node::{NodeMetrics, Readings};
pub use operator::OperatorMetrics;
pub use provider::ProviderMetrics;
pub use streams::{ServedMetrics, StreamMetrics};

/// Only ever goes up: `inc()`, `inc_by(n)`, `get()`. Clones count together.
pub type Counter = prometheus_client::metrics::counter::Counter;

/// Goes up and down: `inc()`, `dec()`, `inc_by(n)`, `dec_by(n)`, `set(n)`, `get()`. Clones count
/// together.
pub type Gauge = prometheus_client::metrics::gauge::Gauge;

/// A gauge of seconds: `set(s)`, `get()`. Clones are the same gauge.
pub type Seconds = prometheus_client::metrics::gauge::Gauge<f64, std::sync::atomic::AtomicU64>;
