//! What the control API says. Durations are whole microseconds, times milliseconds since 1970.

use std::collections::BTreeMap;

use mixbed_telemetry::SpanRecord;
use serde::{Deserialize, Serialize};

use crate::impairments::ListedRule;

/// What became of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BroadcastReply {
    pub(crate) outcome: Outcome,
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
    /// monerod refuses it, and will again.
    Rejected,
    /// No word of it. It may have arrived or not; to try again is safe.
    #[default]
    Failed,
}

impl Outcome {
    pub(crate) fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::AlreadyKnown)
    }
}

/// Whether a broadcast is traced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tracing {
    /// If the network's document allows it.
    #[default]
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
    pub(crate) trace: Tracing,
    pub(crate) provider: Option<String>,
}

/// A broadcast that was written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BroadcastEntry {
    pub(crate) txid: String,
    /// `pending`, `accepted`, `rejected` or `expired`.
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
}

/// How a letter is sent, in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetterQuery {
    /// The receiver's address.
    pub(crate) to: String,
    /// Whether the receiver learns the sender's.
    #[serde(default)]
    pub(crate) named: bool,
    pub(crate) deadline_ms: Option<u64>,
}

/// A letter that the receiver's gateway keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    pub(crate) letter: String,
    pub(crate) gateway: String,
    /// How long it waits there.
    pub(crate) lasting_s: u64,
    pub(crate) elapsed_us: u64,
}

/// This client's mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MailboxReply {
    pub(crate) address: String,
}

/// How long to wait for a letter, in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiveQuery {
    pub(crate) wait_ms: Option<u64>,
}

/// A letter, if one came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Received {
    pub(crate) letter: Option<LetterReply>,
}

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LetterReply {
    pub(crate) id: String,
    /// The sender's address, if they gave it.
    pub(crate) from: Option<String>,
    /// By the sender's clock.
    pub(crate) sent_ms: u64,
    pub(crate) text: Option<String>,
    /// What is no text.
    pub(crate) hex: Option<String>,
}

/// Which letter was taken, in the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptQuery {
    pub(crate) letter: String,
}

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

/// The spans of one trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trace {
    pub(crate) trace_id: String,
    pub(crate) spans: Vec<SpanRecord>,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: String,
}
