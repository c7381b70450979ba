//! What the control API says. Durations are whole microseconds, times milliseconds since 1970.

use std::collections::BTreeMap;

use mixbed_telemetry::SpanRecord;
use serde::{Deserialize, Serialize};

use crate::impairments::ListedRule;

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

/// How a letter is sent, in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LetterQuery {
    /// The receiver: an address, a contact, or somebody without a name who wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// The letter that it answers, in place of a receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<String>,
    /// Whether the receiver learns the sender's address.
    pub(crate) named: bool,
    /// How many answers a letter without a name can get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replies: Option<usize>,
    /// Whether the receiver is asked to say that it has it: letters with a name, unless this says
    /// otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<bool>,
    /// Letters without a name of which this is the same are seen to be from the same sender: 64
    /// hexadecimal digits, a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thread: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) until: Until,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Until {
    /// Only that it is written down here.
    Begun,
    /// The word of the receiver's mailbox, or that an answer was sent on.
    #[default]
    Kept,
    /// The receiver's word.
    Delivered,
}

/// A letter that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    /// The message's number here.
    pub(crate) no: u64,
    pub(crate) letter: String,
    /// `sending`, `kept`, `sent_on` or `delivered`.
    pub(crate) state: String,
    /// The gateway that keeps it, or that sent it on.
    pub(crate) gateway: Option<String>,
    /// How long it waits there; 0 where nothing keeps it.
    pub(crate) lasting_s: u64,
    /// Until when a letter without a name can be answered.
    pub(crate) answerable_until_ms: Option<u64>,
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

/// A letter that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LetterReply {
    pub(crate) id: String,
    /// The sender's address, if they gave it.
    pub(crate) from: Option<String>,
    /// What the sender is called here: a contact's name, or `anonymous-` and digits.
    pub(crate) name: Option<String>,
    /// The letter that it answers.
    pub(crate) answers: Option<String>,
    /// By the sender's clock.
    pub(crate) sent_ms: u64,
    pub(crate) text: Option<String>,
    /// What is no text.
    pub(crate) hex: Option<String>,
    /// How often a letter without a name can be answered.
    pub(crate) answers_left: usize,
    /// And until when.
    pub(crate) answerable_until_ms: Option<u64>,
}

/// Which letter was taken, in the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptQuery {
    pub(crate) letter: String,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageReply {
    pub(crate) no: u64,
    /// Whom the conversation is with: an address, or `anonymous-` and digits.
    pub(crate) with: String,
    /// The contact's name.
    pub(crate) name: Option<String>,
    pub(crate) letter: String,
    pub(crate) answers: Option<String>,
    /// Whether it came; else it was written here.
    pub(crate) received: bool,
    /// Whether it came and nobody has read it.
    pub(crate) unread: bool,
    /// Whether it went without a name.
    pub(crate) unnamed: bool,
    /// By its sender's clock.
    pub(crate) sent_ms: u64,
    pub(crate) text: Option<String>,
    /// What is no text.
    pub(crate) hex: Option<String>,
    /// Of what was written here: `sending`, `kept`, `sent_on`, `delivered` or `failed`.
    pub(crate) state: Option<String>,
    /// The same in words, with the reason.
    pub(crate) words: Option<String>,
    /// How often one without a name that came can still be answered.
    pub(crate) answers_left: usize,
    /// Until when a letter without a name can be answered, whoever wrote it.
    pub(crate) answerable_until_ms: Option<u64>,
}

/// Messages, and what to ask for later ones with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessagesReply {
    /// Whom it is with, if it is one conversation: an address, or `anonymous-` and digits.
    pub(crate) with: Option<String>,
    pub(crate) messages: Vec<MessageReply>,
    pub(crate) version: u64,
}

/// Which messages, in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MessagesQuery {
    /// An address, a contact, or `anonymous-` and digits; all conversations without it.
    pub(crate) with: Option<String>,
    /// The last so many.
    pub(crate) last: Option<usize>,
}

/// Which changes, in the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesQuery {
    pub(crate) since: u64,
    #[serde(default)]
    pub(crate) wait_ms: Option<u64>,
}

/// A contact, and in a query: one to be made, or without an address removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contact {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) address: Option<String>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) with: String,
    pub(crate) name: Option<String>,
    pub(crate) unread: usize,
}

/// The contacts, and the conversations, the one that was spoken in last at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChatReply {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) conversations: Vec<Conversation>,
}

/// How many messages were forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    pub(crate) messages: usize,
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
