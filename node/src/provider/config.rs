//! What a provider is told when it starts.

use std::time::Duration;

use mixbed_monero::Daemon;

use super::exchange::Bounds;
use super::{SessionBounds, TcpConfig};

/// What a provider offers, and how much it takes on.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The monerod behind `monero.submit`. Without one the service is not offered.
    pub monerod: Option<Daemon>,
    /// The restricted listener of the same monerod, behind `monero.rpc`. Without one, that is `monerod`'s.
    pub monerod_restricted: Option<Daemon>,
    /// Whether `echo` is offered, for requests and as streams. Default true.
    pub echo: bool,
    /// What the stream service `tcp` may connect to; nothing: it is not offered.
    pub tcp: TcpConfig,
    /// What is held of messages.
    pub bounds: Bounds,
    /// What is held of sessions.
    pub sessions: SessionBounds,
    /// How many requests are worked on at a time. Default 64.
    pub concurrency: usize,
    /// How long a request may take, its wait for a turn included. Default 45 s: within the 60 s
    /// that a client usually waits, so that it hears why.
    pub limit: Duration,
    /// How long monerod may be away or busy before a submission is given up. Default 20 s: ten
    /// times what a restart takes.
    pub monerod_patience: Duration,
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self {
            monerod: None,
            monerod_restricted: None,
            echo: true,
            tcp: TcpConfig::default(),
            bounds: Bounds::default(),
            sessions: SessionBounds::default(),
            concurrency: 64,
            limit: Duration::from_secs(45),
            monerod_patience: Duration::from_secs(20),
        }
    }
}
