//! Spans, metrics and logs: names and set-up in one place.
//!
//! - [`Telemetry`] is one a process. [`Telemetry::service`] gives each node, client or directory
//!   in it a [`Service`], which starts [`Span`]s and records [`Hop`]s. They go to the
//!   in-memory [`SpanStore`] and, if asked for, to an OTLP collector: one source for both.
//! - [`NodeMetrics`], [`ProviderMetrics`], [`MailboxMetrics`], [`ClientMetrics`],
//!   [`DirectoryMetrics`], [`FollowerMetrics`] and [`OperatorMetrics`] hold resolved handles: counting is one atomic addition.
//! - [`serve_http`] answers `/healthz`, `/readyz` and `/metrics`.
//! - [`init_logs`] sets up the log.
//!
//! Of mixbed's crates this one knows `guard` only: ids are raw bytes here.

mod collector;
mod context;
mod export;
mod health;
mod hop;
mod http;
mod logs;
mod metrics;
mod names;
mod published;
mod record;
mod reference;
mod resource;
mod server;
mod service;
mod span;
mod store;
mod telemetry;
mod value;
mod way;

pub use context::Context;
pub use health::{Condition, Health};
pub use hop::{Hop, HopOutcome, HopRecord};
pub use http::{HttpError, bind_http, probes, router, serve_http};
pub use logs::{LevelFilter, LogError, LogFormat, init_logs};
pub use metrics::{
    Age, ClientMetrics, ClientReadings, Counter, DirectoryMetrics, FollowerMetrics, Gauge,
    Histogram, LoopMetrics, MailboxMetrics, MinerMetrics, NodeMetrics, OperatorMetrics,
    ProviderMetrics, Readings, Seconds, ServedMetrics, StreamMetrics, SuspectMetric,
};
pub use names::{Attribute, SpanName};
pub use published::Step;
pub use record::{EventRecord, SpanRecord, Status};
pub use reference::{reference, span_reference};
pub use server::serve_router;
pub use service::Service;
pub use span::Span;
pub use store::SpanStore;
pub use telemetry::{Options, Telemetry, TelemetryError};
pub use value::Value;
