//! Ordered byte streams over packets that are lost and reordered, answered by reply blocks.
//!
//! A session is between a client and a provider. The client sends packets; the provider can answer
//! only by the reply blocks that came with them. [`ClientEnd`] and [`ProviderEnd`] are the two ends:
//! pure, with time and packets as arguments. [`Shared`] and [`Stream`] put one of them behind
//! `AsyncRead` and `AsyncWrite`. What goes over the wire, and why, is in `docs/streams.md`.

mod client;
mod end;
mod end_of_streams;
mod frame;
mod ids;
mod limits;
mod provider;
mod ranges;
mod reason;
mod received;
mod reply;
mod stream;
mod streams;

pub use client::{ClientEnd, Draft};
pub use end::{End, Event, OpenError, Read};
pub use ids::{BlockNo, StreamId};
pub use limits::Limits;
pub use provider::ProviderEnd;
pub use reason::{Code, MAX_WORDS, Reason};
pub use reply::{opens_session, unknown_session};
pub use stream::{Guard, Shared, Stream};

/// Bytes of a stream that may be sent before the other end has said how many it takes.
pub const FIRST_STREAM_WINDOW: usize = 192 << 10;

/// Bytes of all streams that may be sent before the other end has said how many it takes.
pub const FIRST_SESSION_WINDOW: usize = 256 << 10;

/// The longest target of a stream, in bytes: a host name of 253, a port, and room.
pub const MAX_TARGET: usize = 280;
