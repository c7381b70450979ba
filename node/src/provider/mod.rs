//! The far end of a route: requests come in by packets, services work, answers go back by reply
//! blocks.
//!
//! [`Exchange`] has the rules and is pure. [`Provider`] is its shell: it takes plaintexts from
//! the node's workers, runs [`Service`]s on the tokio runtime and hands finished reply packets to
//! a [`ReplySink`]. Every request that is complete is answered, errors included.

mod config;
mod echo;
pub mod exchange;
mod hold;
mod known;
pub(crate) mod readiness;
pub(crate) mod restricted;
pub mod rpc;
mod service;
mod sessions;
mod shell;
mod submit;

pub use config::ProviderConfig;
pub use echo::Echo;
pub use exchange::{Bounds, Exchange};
pub use hold::Hold;
pub use known::Known;
pub use restricted::unrestricted;
pub use rpc::{Rpc, RpcStream};
pub use service::{Answering, Question, Reply, Service};
pub use sessions::{
    Asked, EchoStream, RuleError, Served, Serving, SessionBounds, StreamService, TargetRule, Tcp,
    TcpConfig, TcpName,
};
pub use shell::{Delivery, Provider, ReplySink};
pub use submit::Submit;

#[cfg(test)]
mod tests;
