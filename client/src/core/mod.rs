//! The client's rules, without I/O, clock or randomness of their own.
//!
//! [`Messenger`] decides what to send, when, and when again. [`seal()`] makes a packet of what it
//! wants sent, on a fresh route from [`Net`]; [`open`] takes one apart that came back. A shell
//! moves the bytes and the time:
//!
//! 1. `handle_*` with whatever happened,
//! 2. `poll_transmit` until there is nothing to send, each [`Draft`] followed by `handle_sent` or
//!    `handle_unsent`,
//! 3. `poll_event` until there is nothing to say,
//! 4. wait for whatever comes first: a packet, an order, or `poll_timeout`.
//!
//! With cover traffic, [`Cover`] says when: 2. happens on its ticks, a draft a tick and a drop
//! ([`seal_loop`]) when there is none; `handle_sent` is told when the packet has left, so that its
//! timer knows nothing of the wait before. [`Loops`] knows which of those that were sent besides
//! ([`seal_loop`]) came back, [`Drops`] what is an answer to a drop. [`ClientCore`] is all of it in
//! one, for whoever moves virtual time.

#![deny(clippy::disallowed_methods)]

mod cover;
mod decoy;
mod draft;
mod drops;
mod gateways;
mod loops;
mod loss;
mod margin;
mod message;
mod messenger;
mod order;
mod packet;
mod payload;
mod post;
mod route;
pub(crate) mod sessions;
mod silence;
mod supply;
mod suspicion;
mod tried;
mod turns;
mod whole;

pub use cover::{Cover, Tick};
pub use decoy::{SealedLoop, seal_loop};
pub use draft::{Content, Draft};
pub use drops::Drops;
pub use gateways::FailedGateways;
pub use loops::{LoopReport, Loops, Share};
pub use loss::Loss;
pub use margin::Margin;
pub use messenger::Messenger;
pub use order::{Limits, Order, OrderError};
pub use packet::{MessageNo, PacketNo, ReplyDue, Sent};
pub use payload::{Payload, Sealable, SessionDraft, SessionNo};
pub use post::{Opened, PostError, Return, Sealed, open, seal};
pub use route::{Back, Net, RouteError};
pub use sessions::{Closed, Session, SessionError, Sessions, Way};
pub use silence::Silence;
pub use suspicion::{Suspicion, Weights};
pub use tried::{Delivered, Event, Received, Tried};
pub use turns::Turns;
pub use whole::{ClientCore, SentCounts};
