//! What is asked of a broadcast, and what it reports.

use std::time::Duration;

use mixbed_monero::TxId;

/// How a transaction is to be broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastOptions {
    /// When to give up, from now. Default 60 s.
    pub deadline: Duration,
    /// Whether to trace it, as in [`RequestOptions::traced`](crate::RequestOptions::traced).
    /// Default false.
    pub traced: bool,
    /// The provider, by name. Default: a random one, and another when it fails.
    pub provider: Option<String>,
}

impl Default for BroadcastOptions {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(60), traced: false, provider: None }
    }
}

/// A transaction that a provider's monerod has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastReport {
    /// Its id, computed from its bytes here; the provider said the same.
    pub txid: TxId,
    /// monerod had it before.
    pub already_known: bool,
    /// The W3C id of its trace, if it was traced.
    pub trace_id: Option<[u8; 16]>,
    /// The provider.
    pub provider: String,
    /// From the order to the provider's word.
    pub elapsed: Duration,
    /// Packets sent to that provider.
    pub packets_sent: u64,
    /// Packets received from it.
    pub packets_received: u64,
    /// How many of those sent said what an earlier one had said.
    pub retransmissions: u64,
    /// The sum of all delays drawn for the packet that was answered, there and back.
    pub mixing_delay: Duration,
    /// The time that the provider spent waiting for monerod.
    pub monerod_time: Duration,
    /// How often the provider handed it to monerod.
    pub monerod_attempts: u32,
}
