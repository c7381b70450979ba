//! Sessions of clients, and the services that their streams are for.
//!
//! `mixbed-session` has the rules of sessions and is pure. Here is what surrounds it at a provider:
//! [`Sessions`] finds the session that a packet belongs to and runs a task for each, which
//! makes replies; a [`StreamService`] takes streams that clients ask for: [`EchoStream`], and
//! [`Tcp`], which connects them to targets that the provider's operator allowed.

mod asked;
mod bounds;
mod echo;
mod held;
mod pump;
mod served;
mod shell;
mod tcp;

pub use asked::{Asked, Serving, StreamService};
pub use bounds::SessionBounds;
pub use echo::EchoStream;
pub use served::Served;
pub(crate) use shell::{SessionPacket, Sessions};
pub use tcp::{RuleError, TargetRule, Tcp, TcpConfig, TcpName};

#[cfg(test)]
mod tests;
