//! What client and provider say to each other inside packets.
//!
//! A *request* (a service's name and a payload, up to [`MAX_MESSAGE`] bytes) is cut into
//! fragments, one a packet. Each fragment brings a reply block and is answered for by it:
//!
//! | the provider's state | its answer |
//! |---|---|
//! | fragments are missing | [`Answer::Ack`] with the fragments it holds: one that arrives heals all that were lost |
//! | the service is at work | [`Answer::Pending`]; the block that came with the last fragment is kept for the response |
//! | the service has answered | [`Answer::Response`], one fragment of it a reply block |
//!
//! The client asks for what it still misses with a [`Forward::Poll`], which brings up to
//! [`MAX_REPLY_BLOCKS`] reply blocks. A response stays with the provider for a while, so whatever
//! is asked twice is answered twice, and the service runs once.
//!
//! Packets of a *session* ([`Forward::Session`]) carry frames of ordered streams instead; what is in
//! them is the business of `mixbed-session`.
//!
//! Everything here is pure: bytes in, values out. All of it reads bytes that a stranger chose.

mod answer;
mod bitmap;
mod forward;
mod fragments;
mod hold;
mod id;
mod known;
mod mailbox;
mod packed;
mod relay;
mod request;
mod response;
mod rpc;
mod submit;

pub use answer::{Answer, MAX_ANSWER_DATA};
pub use bitmap::Bitmap;
pub use forward::{Forward, MAX_FRAGMENT_DATA, max_fragment_data};
pub use fragments::{Fragments, Inserted};
pub use hold::{HOLD_SERVICE, HoldAnswer, HoldRequest, MAX_HOLD};
pub use id::{MessageId, SessionId};
pub use known::{KNOWN_SERVICE, KnownAnswer, KnownRequest};
pub use mailbox::{
    Collect, CommandError, MAILBOX_PUT_OVERHEAD, MAILBOX_SERVICE, MAX_IDS, MailboxAnswer,
    MailboxRequest,
};
pub use relay::{RELAY_OVERHEAD, RELAY_SERVICE, RelayAnswer, RelayRequest};
pub use request::{MAX_SERVICE_NAME, Request, RequestError};
pub use response::{MAX_WORDS, Response};
pub use rpc::{
    MAX_RPC_CONTENT_TYPE, MAX_RPC_PATH, RPC_SERVICE, RpcAnswer, RpcHead, RpcMessageError,
    RpcRequest,
};
pub use submit::{SUBMIT_SERVICE, SubmitAnswer, SubmitOutcome};

/// The largest message, request or response, in bytes, its own header included.
pub const MAX_MESSAGE: usize = 1 << 20;

/// The most fragments a message may have. 512 requests' fragments carry 1.17 MB.
pub const MAX_FRAGMENTS: u16 = 512;

/// The most reply blocks that one packet brings: six leave room for a poll's 309 bytes of data.
pub const MAX_REPLY_BLOCKS: usize = 6;
