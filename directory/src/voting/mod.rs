//! How several authorities make one document: any minority of them may be stolen, wrong or away.
//!
//! Each authority lists nodes by itself; what it would put into the document is its [`Opinion`], and
//! a signed [`Ballot`] says which opinion it holds now. The authority whose turn it is signs a
//! [`Proposal`]: these ballots make the next document. Whoever finds that so says that it accepts
//! the proposal, and when enough have accepted, signs the document. With a majority's signatures
//! it is published.
//!
//! - An authority accepts one proposal of a revision, and no revision twice, through restarts too:
//!   so no two documents of one number have a majority's signatures, as long as nobody lies.
//! - A liar who proposes one thing to some and another to others needs two groups that do not hear
//!   of each other. All wait until they have heard what enough of the others accept
//!   ([`Panel::certain`]), or for [`DELTA`] if some say nothing.
//! - Content follows from ballots and the document before (`tally`), and time from the clocks of
//!   those who accept (`calendar`): a majority decides each.
//!
//! [`Voter`] is pure: it takes messages and the time, and gives messages. All that an authority has
//! to say is its [`Status`], sent when it changes and again and again: what is lost or comes twice
//! changes nothing.

#![deny(clippy::disallowed_methods)]

mod ballot;
mod ballots;
mod calendar;
mod core;
mod event;
mod evidence;
mod gossip;
mod judge;
mod message;
mod opinion;
mod panel;
mod peer;
mod proposal;
mod propose;
mod round;
mod tally;
#[cfg(test)]
mod tests;
mod timing;

pub use self::core::{Adopted, Voter, VoterConfig, VoterState};
pub use ballot::{Ballot, SignedBallot};
pub use event::VotingEvent;
pub use evidence::Evidence;
pub use message::{Envelope, PeerMessage, Status};
pub use opinion::{Digest, Opinion};
pub use panel::{Panel, PanelError};
pub use proposal::{Base, Proposal, SignedProposal};
pub use timing::DELTA;

/// Bytes that are no message of an authority of this network, or not signed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no message of an authority of this network")]
pub struct Undecodable;
