//! A packet that was sent and may be answered.

use std::time::{Duration, Instant};

use mixbed_wire::Identifier;

/// Numbers a message within one [`Messenger`](super::Messenger).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNo(pub(super) u64);

/// Numbers a packet within one [`Messenger`](super::Messenger), in the order of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketNo(pub(super) u64);

/// What sealing a packet has fixed.
#[derive(Debug)]
pub struct Sent<K> {
    /// The sum of the delays drawn for the way there.
    pub there: Duration,
    /// The replies that may come, one a reply block.
    pub replies: Vec<ReplyDue<K>>,
}

/// A reply that may come.
#[derive(Debug)]
pub struct ReplyDue<K> {
    /// The name it will bring.
    pub identifier: Identifier,
    /// The sum of the delays drawn for the way back.
    pub back: Duration,
    /// What reads it.
    pub key: K,
}

/// A packet under way, or one whose late answer would still be of use.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) message: MessageNo,
    pub(super) purpose: Purpose,
    pub(super) attempt: u32,
    pub(super) state: State,
}

/// What a packet is for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    Fragment(u16),
    Poll(Vec<u16>),
}

#[derive(Debug)]
pub(super) enum State {
    /// Handed out as a draft.
    Drafted,
    /// Sent; it counts in the window until it is answered or due.
    UnderWay(Flight),
    /// Answered, overdue or not needed any more.
    Settled(Flight),
}

/// When a packet was sent, and when its answer is due.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) sent_at: Instant,
    pub(super) there: Duration,
    pub(super) due: Instant,
    /// Names of replies that have not come, and the delays of their ways back.
    pub(super) replies: Vec<(Identifier, Duration)>,
}

impl InFlight {
    pub(super) fn flight(&self) -> Option<&Flight> {
        match &self.state {
            State::Drafted => None,
            State::UnderWay(flight) | State::Settled(flight) => Some(flight),
        }
    }

    pub(super) fn flight_mut(&mut self) -> Option<&mut Flight> {
        match &mut self.state {
            State::Drafted => None,
            State::UnderWay(flight) | State::Settled(flight) => Some(flight),
        }
    }

    /// Settles a packet that is under way; says when its answer was due.
    pub(super) fn settle(&mut self) -> Option<Instant> {
        match std::mem::replace(&mut self.state, State::Drafted) {
            State::UnderWay(flight) => {
                let due = flight.due;
                self.state = State::Settled(flight);
                Some(due)
            }
            other => {
                self.state = other;
                None
            }
        }
    }
}
