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
    /// A provider's monerod has it.
    Accepted {
        /// The provider.
        provider: String,
        /// monerod had it before: after a restart usually from the process before.
        already_known: bool,
        /// When it said so.
        at: SystemTime,
        /// The height of the block that it is in, once that is known. Nobody asks for it yet.
        mined: Option<u64>,
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
    /// Its time was over before there was a word of it. It may have arrived or not; to order it
    /// again is safe.
    Expired {
        /// When it was given up.
        at: SystemTime,
    },
}

impl BroadcastState {
    /// Whether nothing more will be done.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended_at().is_some()
    }

    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Option<SystemTime> {
        match self {
            Self::Pending => None,
            Self::Accepted { at, .. } | Self::Rejected { at, .. } | Self::Expired { at } => {
                Some(*at)
            }
        }
    }

    /// In one word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
            Self::Expired { .. } => "expired",
        }
    }
}
