//! The control API: how `broadcast`, `status` and `trace` talk to a running `up` or `client`.
//!
//! ```text
//! POST /v1/broadcast?deadline_ms=60000&trace=allowed|always|never&provider=NAME&wait=accepted|no
//!      &confirm=true|false&random_wait_ms=30000
//!      the raw transaction as application/octet-stream    → BroadcastReply
//! GET  /v1/broadcasts                                      → [BroadcastEntry]
//! GET  /v1/broadcasts/{txid}                               → BroadcastReply
//! GET  /v1/status                                          → Status
//! GET  /v1/traces/{txid or trace id}                       → Trace
//! GET  /v1/impairments                                     → Impairments
//! POST /v1/impairments, an Order as JSON (`up` only)        → Impairments
//! GET  /v1/parameters                                      → Parameters
//! POST /v1/parameters, a Change as JSON (`up` only)        → Parameters
//! POST /v1/letters?to=WHOM&named=true&deadline_ms=60000, the text → Posted
//!      or reply_to=LETTER; replies=N, receipt=, thread=SECRET, until=begun|kept|delivered
//! POST /v1/mailbox                                         → MailboxReply
//! POST /v1/mailbox/receive?wait_ms=20000                   → Received
//! POST /v1/mailbox/accept?letter=ID                        → null
//! GET  /v1/chat                                            → ChatReply
//! POST /v1/chat/contacts?name=NAME&address=ADDRESS         → null
//! GET  /v1/chat/messages?with=WHOM&last=20                 → MessagesReply
//! POST /v1/chat/changes?since=VERSION&wait_ms=20000        → MessagesReply
//! POST /v1/chat/forget?with=WHOM                           → Forgotten
//! ```
//!
//! Everything else than a result is a `Refusal` with an error status. It is served beside
//! `/healthz`, `/readyz` and `/metrics`, behind the guard that every HTTP port has (`mixbed_guard`).

mod api;
mod broadcast;
mod chat;
mod client;
mod impairments;
mod journal;
mod letters;
mod loops;
mod parameters;
mod post;
mod server;
mod status;

pub(crate) use api::{
    AuthorityStatus, BroadcastEntry, BroadcastQuery, BroadcastReply, ChatReply, Contact,
    DirectoryStatus, DocumentStatus, Inside, LetterQuery, LetterReply, LoopsStatus, MessageReply,
    MessagesQuery, NodeStatus, Outcome, Posted, SegmentLoops, SenderLoops, Status, Trace, Tracing,
    Until, Wait,
};
pub(crate) use broadcast::{
    NO_DEADLINE, NO_RANDOM_WAIT, accepted, failed, is_deadline, is_random_wait,
};
pub(crate) use client::{ControlArgs, ControlClient, ControlError};
pub(crate) use letters::MOST_REPLIES;
pub(crate) use post::Post;
pub(crate) use server::{Control, Nodes, guard, router};
pub(crate) use status::{listed_nodes, of_document};
