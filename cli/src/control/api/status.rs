//! How a network is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::impairments::ListedRule;

/// How a network is, as a client of it sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The version of the program that says so.
    pub(crate) version: String,
    pub(crate) network: String,
    pub(crate) ready: bool,
    /// Why it is not.
    pub(crate) reasons: Vec<String>,
    pub(crate) directory: DirectoryStatus,
    /// The client that answers; none where a cluster was asked.
    pub(crate) client: Option<ClientStatus>,
    /// What its loops tell, and those of the nodes in the same process.
    #[serde(default)]
    pub(crate) loops: LoopsStatus,
    /// The nodes of the document.
    pub(crate) nodes: Vec<NodeStatus>,
    /// The monerod that the providers submit to, if it is known.
    pub(crate) monerod: Option<String>,
}

/// Loops: packets that somebody sends to themselves, to see whether they come back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoopsStatus {
    /// What takes packets, as far as all of them together tell.
    pub(crate) suspect: Option<Suspect>,
    /// Those who have sent some.
    pub(crate) senders: Vec<SenderLoops>,
}

/// One sender's loops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SenderLoops {
    /// A node's name, or the client's.
    pub(crate) sender: String,
    pub(crate) sent: u64,
    pub(crate) returned: u64,
    pub(crate) lost: u64,
    /// Of the last ones that ended, up to 256: those that came back.
    pub(crate) recent_returned: u32,
    /// How many these are.
    pub(crate) recent_ended: u32,
    /// The same for each link on their ways.
    pub(crate) segments: Vec<SegmentLoops>,
    /// What takes packets, as far as this sender's alone tell.
    pub(crate) suspect: Option<Suspect>,
}

/// The last loops that were to go from one node to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SegmentLoops {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) returned: u32,
    pub(crate) ended: u32,
}

/// What takes packets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Suspect {
    /// A node's name, or `one -> other` for what goes from one to the other.
    pub(crate) name: String,
    /// Of the loops by way of it, those that were lost.
    pub(crate) lost: u32,
    pub(crate) of: u32,
    /// Of the others, those that were lost.
    pub(crate) lost_beside: u32,
    pub(crate) of_beside: u32,
    /// The same in words.
    pub(crate) words: String,
}

/// How well informed the client is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DirectoryStatus {
    pub(crate) url: String,
    /// `connecting`, `following`, `stale` or `expired`.
    pub(crate) state: String,
    /// The same with the reason.
    pub(crate) words: String,
    /// The newest good document, however old.
    pub(crate) document: Option<DocumentStatus>,
    /// The directories in the same process, of which a majority signs.
    #[serde(default)]
    pub(crate) inside: Vec<AuthorityStatus>,
}

/// A directory in the same process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AuthorityStatus {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) key: String,
    /// Of the document that it serves; 0: it has none.
    pub(crate) epoch: u64,
    pub(crate) revision: u64,
}

/// A document of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DocumentStatus {
    pub(crate) epoch: u64,
    pub(crate) revision: u64,
    pub(crate) epoch_end_ms: u64,
    pub(crate) valid_until_ms: u64,
    pub(crate) mean_hop_delay_us: u64,
    pub(crate) tracing_allowed: bool,
    /// What links are made to suffer.
    #[serde(default)]
    pub(crate) impairments: Vec<ListedRule>,
}

/// The client that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClientStatus {
    pub(crate) name: String,
    pub(crate) id: String,
    /// `connecting`, `ready`, `degraded` or `stopped`.
    pub(crate) state: String,
    /// The same with the reason.
    pub(crate) words: String,
    /// Providers that did not do what they said, and what that was.
    #[serde(default)]
    pub(crate) suspects: Vec<String>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeStatus {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) role: String,
    pub(crate) layer: Option<u8>,
    pub(crate) address: String,
    pub(crate) services: Vec<String>,
    /// Known of nodes in the same process only.
    pub(crate) inside: Option<Inside>,
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inside {
    pub(crate) ready: bool,
    /// Why it is not.
    pub(crate) reasons: Vec<String>,
    pub(crate) received: u64,
    pub(crate) made: u64,
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) held: u64,
    /// By reason; those that happened.
    pub(crate) dropped: BTreeMap<String, u64>,
}
