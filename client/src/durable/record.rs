//! What is known of one broadcast.

use std::time::SystemTime;

use mixbed_monero::TxId;

use crate::broadcast::BroadcastReport;

/// A broadcast that was taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastRecord {
    /// The transaction's id: that of the broadcast, too.
    pub txid: TxId,
    /// The transaction's size in bytes.
    pub bytes: usize,
    /// When it was ordered, by this machine's clock.
    pub ordered: SystemTime,
    /// When it is given up.
    pub expires: SystemTime,
    /// How often it was begun, each process's first time among them.
    pub tries: u32,
    /// What came of the last try that failed, in words.
    pub trouble: Option<String>,
    /// Whether it was ordered to be confirmed by another provider.
    pub confirm: bool,
    /// How often it was looked for since its state changed.
    pub looks: u32,
    /// Providers that did not do what they said of it.
    pub found_out: Vec<String>,
    /// How it stands.
    pub state: BroadcastState,
    /// What it took; known in the process that did it only.
    pub report: Option<BroadcastReport>,
}

/// How a broadcast stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BroadcastState {
    /// There is no word of it yet.
    Pending,
    /// A provider holds it for a random time, and hands it to its monerod then.
    Held {
        /// The provider.
        provider: String,
        /// Until when.
        until: SystemTime,
    },
    /// A provider's monerod has it, and it is in no block yet.
    Accepted {
        /// The provider.
        provider: String,
        /// monerod had it before: after a restart usually from the process before.
        already_known: bool,
        /// When it said so.
        at: SystemTime,
        /// Another provider that knows of it.
        confirmed_by: Option<String>,
        /// Whether it is asked for until it is in a block. Too many are not watched at once.
        watched: bool,
    },
    /// It is in a block.
    Mined {
        /// The provider that it was handed to.
        provider: String,
        /// The provider that says so: another one, where there is another one.
        by: String,
        /// The block's height.
        height: u64,
        /// Blocks from that one to the newest when that was said, both included.
        confirmations: u64,
        /// When it said so.
        at: SystemTime,
    },
    /// monerod refuses it, and will again.
    Rejected {
        /// The provider.
        provider: String,
        /// Why, in words.
        words: String,
        /// When it said so.
        at: SystemTime,
    },
    /// Its time was over before there was a word of it, or before it was in a block. It may have
    /// arrived or not; to order it again is safe.
    Expired {
        /// When it was given up.
        at: SystemTime,
    },
}

impl BroadcastRecord {
    /// Whether a provider's word is that its monerod has it, or that it is in a block.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self.state, BroadcastState::Accepted { .. } | BroadcastState::Mined { .. })
    }
}

impl BroadcastState {
    /// Whether nothing more will be done.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended_at().is_some()
    }

    /// Whether it is known what a monerod says of it, or it is given up: it is not waited any more
    /// but for a block.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !matches!(self, Self::Pending | Self::Held { .. })
    }

    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Option<SystemTime> {
        match self {
            Self::Pending | Self::Held { .. } | Self::Accepted { watched: true, .. } => None,
            Self::Accepted { at, .. }
            | Self::Mined { at, .. }
            | Self::Rejected { at, .. }
            | Self::Expired { at } => Some(*at),
        }
    }

    /// In one word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held { .. } => "held",
            Self::Accepted { .. } => "accepted",
            Self::Mined { .. } => "mined",
            Self::Rejected { .. } => "rejected",
            Self::Expired { .. } => "expired",
        }
    }
}
