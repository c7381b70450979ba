//! Packets, routes, reply blocks, fragments and link frames: no I/O, no clock, no threads.
//!
//! Randomness is an argument everywhere but in one place that a library keeps to itself: the ephemeral
//! keys of Noise, in a link's handshake and in a letter.

#![deny(clippy::disallowed_methods)]

mod address;
mod delay;
mod drop_reason;
mod format;
mod frame;
mod id;
mod impairment;
mod key;
pub mod letter;
mod link;
mod loop_record;
pub mod message;
mod packet;
mod poisson;
mod replay;
mod reply;
mod sphinx;
mod suspects;
mod verdict;

pub use address::{HopAddress, TraceContext};
pub use delay::{MAX_DELAY, exponential_delay};
pub use drop_reason::DropReason;
pub use format::PacketFormat;
pub use frame::{FRAME_SIZE, Frame, PLAIN_FRAME_SIZE};
pub use id::{NodeId, ParseNodeIdError};
pub use impairment::{Impaired, Impairment, ImpairmentError, Latency};
pub use key::{LinkPublic, LinkSecret, MailboxPublic, MailboxSecret, SphinxPublic, SphinxSecret};
pub use link::{Handshake, LinkError, LinkOpener, LinkSealer, Step};
pub use loop_record::LoopRecord;
pub use packet::{
    Exit, HOPS, Identifier, MAX_PLAINTEXT, Opened, PACKET_SIZE, Packet, ReplayTag, Route, RouteHop,
    SealError, Unwrapped,
};
pub use poisson::PoissonClock;
pub use replay::ReplayFilter;
pub use reply::{REPLY_BLOCK_SIZE, ReplyBlock, ReplyKey, SealedReply};
pub use suspects::LOOPS_JUDGED;
pub use verdict::{Culprit, LoopOutcome, Lost, Verdict, judge};
