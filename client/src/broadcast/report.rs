//! What is asked of a broadcast, and what it reports.

use std::time::Duration;

use mixbed_monero::TxId;

use super::SuspectProvider;

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
    /// Those that are tried after all others, by name. Default: nobody.
    pub not: Vec<String>,
    /// Whether another provider is asked if it knows the transaction, so that success does not rest
    /// on the word of the one that submitted it; nor does failure: what one rejects another one is
    /// given. Where there is no other, or none answers, that word is all there is
    /// ([`BroadcastReport::confirmed_by`]). Default true.
    pub confirm: bool,
    /// How long a transaction may take from one provider's monerod to another's, until which "I do
    /// not know it" means nothing; half of the deadline at most, if another provider is left to be
    /// tried. Default 30 s.
    pub propagation: Duration,
    /// Has the provider wait before it hands the transaction to its monerod: a time drawn here,
    /// exponential with this mean (at most [`MAX_MEAN_WAIT`](crate::MAX_MEAN_WAIT)). The deadline
    /// counts anew when that is over. Default: none.
    pub random_wait: Option<Duration>,
}

impl Default for BroadcastOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            traced: false,
            provider: None,
            not: Vec::new(),
            confirm: true,
            propagation: Duration::from_secs(30),
            random_wait: None,
        }
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
    /// How long the provider waited before it handed it to monerod, if that was wished.
    pub held: Option<Duration>,
    /// Another provider that knows the transaction.
    pub confirmed_by: Option<String>,
    /// Providers that said before that they had it, and that others did not hear of it from.
    pub found_out: Vec<SuspectProvider>,
}
