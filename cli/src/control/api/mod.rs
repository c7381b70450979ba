//! What the control API says. Durations are whole microseconds, times milliseconds since 1970.

mod broadcast;
mod chat;
mod letters;
mod status;

pub(crate) use broadcast::{
    BroadcastEntry, BroadcastQuery, BroadcastReply, Outcome, Packets, Tracing, Wait,
};
pub(crate) use chat::{
    ChangesQuery, ChatReply, Contact, Conversation, Forgotten, MessageReply, MessagesQuery,
    MessagesReply,
};
pub(crate) use letters::{
    AcceptQuery, LetterQuery, LetterReply, MailboxReply, Posted, ReceiveQuery, Received, Until,
};
pub(crate) use status::{
    AuthorityStatus, ClientStatus, DirectoryStatus, DocumentStatus, Inside, LoopsStatus,
    NodeStatus, SegmentLoops, SenderLoops, Status, Suspect,
};

use mixbed_telemetry::SpanRecord;
use serde::{Deserialize, Serialize};

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
