//! A packet that was sent and may be answered.

use std::time::{Duration, Instant};

use mixbed_wire::{Identifier, NodeId};

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
    /// The nodes of the way there.
    pub route: Vec<NodeId>,
    /// The replies that may come, one a reply block.
    pub replies: Vec<ReplyDue<K>>,
}

/// A reply that may come.
#[derive(Debug)]
pub struct ReplyDue<K> {
    /// The name it will bring.
    pub identifier: Identifier,
    /// The sum of the delays drawn for the way back, the wait at the provider among them.
    pub back: Duration,
    /// The nodes of the way back, the client not among them.
    pub route: Vec<NodeId>,
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
    /// A question whether there is a response already, in place of another copy of a fragment: it
    /// has room for six reply blocks.
    Probe(u16),
    Poll(Vec<u16>),
    /// Reply blocks for these parts of a response that is to come.
    Supply(Vec<u16>),
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
    /// The nodes of the way there.
    pub(super) route: Vec<NodeId>,
    /// Replies that have not come.
    pub(super) replies: Vec<Expected>,
    /// Whether one has come.
    pub(super) answered: bool,
}

/// A reply that may come.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) identifier: Identifier,
    /// The delays of its way back.
    pub(super) back: Duration,
    /// The nodes of its way back.
    pub(super) route: Vec<NodeId>,
}

/// When a packet's answer was due, if it was waited for, and when it is now.
pub(super) struct Resumed {
    pub(super) was_due: Option<Instant>,
    pub(super) due: Instant,
}

impl Flight {
    /// When the last answer by its blocks is there, if it was made at `made` or when the packet
    /// arrived.
    pub(super) fn due_if_made(&self, made: Instant) -> Instant {
        let back = self.replies.iter().map(|reply| reply.back).max().unwrap_or_default();
        made.max(self.sent_at + self.there) + back
    }

    /// Whom it may be owed to that nothing came back: the way there, and the way back if there was
    /// only one. Nobody, if something came.
    pub(super) fn suspects(&self) -> Vec<NodeId> {
        match &self.replies[..] {
            _ if self.answered => Vec::new(),
            [only] => [&self.route[..], &only.route[..]].concat(),
            _ => self.route.clone(),
        }
    }
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

    /// The response was made at `made`: says until when what goes by the packet's blocks would be
    /// waited for, `margin` included, and waits for it.
    pub(super) fn resume(&mut self, made: Instant, margin: Duration) -> Option<Resumed> {
        let (was_due, mut flight) = match std::mem::replace(&mut self.state, State::Drafted) {
            State::Drafted => return None,
            State::UnderWay(flight) => (Some(flight.due), flight),
            State::Settled(flight) => (None, flight),
        };
        flight.due = flight.due_if_made(made) + margin;
        let due = flight.due;
        self.state = State::UnderWay(flight);
        Some(Resumed { was_due, due })
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
