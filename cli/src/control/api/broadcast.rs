//! Broadcasts: how they are ordered, and what became of them.

use serde::{Deserialize, Serialize};

/// What became of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BroadcastReply {
    pub(crate) outcome: Outcome,
    /// How the broadcast stands, if it is written down: as in [`BroadcastEntry`].
    #[serde(default)]
    pub(crate) state: Option<String>,
    /// Whether there is more to be expected soon: no word yet, or another provider is being asked.
    #[serde(default)]
    pub(crate) under_way: bool,
    /// The same in words.
    pub(crate) words: String,
    /// The id that its bytes have; none if they are no transaction.
    pub(crate) txid: Option<String>,
    /// The W3C id of its trace, if it was traced.
    pub(crate) trace_id: Option<String>,
    /// The provider whose word this is.
    pub(crate) provider: Option<String>,
    /// From the order to the provider's word.
    pub(crate) elapsed_us: u64,
    /// Known of what was accepted.
    pub(crate) packets: Option<Packets>,
    /// Another provider that knows of it.
    #[serde(default)]
    pub(crate) confirmed_by: Option<String>,
    /// The height of its block, once it is in one.
    #[serde(default)]
    pub(crate) height: Option<u64>,
    /// Blocks from that one to the newest, when that was asked.
    #[serde(default)]
    pub(crate) confirmations: Option<u64>,
    /// Providers that did not do what they said of it.
    #[serde(default)]
    pub(crate) found_out: Vec<String>,
}

/// What it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Packets {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// How many of those sent said what an earlier one had said in vain.
    pub(crate) retransmissions: u64,
    /// The sum of all delays drawn for the packet that was answered, there and back.
    pub(crate) mixing_delay_us: u64,
    /// The time that the provider spent waiting for monerod.
    pub(crate) monerod_us: u64,
    /// How often the provider handed it to monerod.
    pub(crate) monerod_attempts: u32,
}

/// How a broadcast ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// monerod has it.
    Accepted,
    /// monerod had it before: delivered all the same.
    AlreadyKnown,
    /// It is in a block.
    Mined,
    /// There is no word of it yet, and it goes on.
    Pending,
    /// monerod refuses it, and will again.
    Rejected,
    /// No word of it. It may have arrived or not; to try again is safe.
    #[default]
    Failed,
}

impl Outcome {
    pub(crate) fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::AlreadyKnown | Self::Mined)
    }
}

/// Whether a broadcast is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tracing {
    /// If the network's document allows it.
    Allowed,
    /// Or it is not sent.
    Always,
    /// Not.
    Never,
}

/// How a broadcast is ordered, in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BroadcastQuery {
    pub(crate) deadline_ms: Option<u64>,
    /// Without this, as the process that is asked is configured.
    pub(crate) trace: Option<Tracing>,
    pub(crate) provider: Option<String>,
    pub(crate) wait: Wait,
    /// Whether another provider is asked for it; without this, yes.
    pub(crate) confirm: Option<bool>,
    /// The mean of a random wait at the provider.
    pub(crate) random_wait_ms: Option<u64>,
}

/// What the answer to an order waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wait {
    /// Nothing: it is written down, and asked for later.
    No,
    /// A monerod's word, confirmed by another provider where there is another.
    #[default]
    Accepted,
}

/// A broadcast that was written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BroadcastEntry {
    pub(crate) txid: String,
    /// `pending`, `held`, `accepted`, `mined`, `rejected` or `expired`.
    pub(crate) state: String,
    /// What is known of it, in words.
    pub(crate) words: String,
    /// The provider whose word that is.
    pub(crate) provider: Option<String>,
    pub(crate) bytes: u64,
    /// How often it was begun.
    pub(crate) tries: u32,
    pub(crate) ordered_ms: u64,
    /// When it is given up.
    pub(crate) expires_ms: u64,
    /// When it ended.
    pub(crate) ended_ms: Option<u64>,
    /// Until when a provider holds it.
    #[serde(default)]
    pub(crate) held_until_ms: Option<u64>,
    /// Another provider that knows of it.
    #[serde(default)]
    pub(crate) confirmed_by: Option<String>,
    /// The height of its block, once it is in one.
    #[serde(default)]
    pub(crate) height: Option<u64>,
    /// Blocks from that one to the newest, when that was asked.
    #[serde(default)]
    pub(crate) confirmations: Option<u64>,
    /// Providers that did not do what they said of it.
    #[serde(default)]
    pub(crate) found_out: Vec<String>,
}
