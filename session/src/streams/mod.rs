//! The streams of a session, as both ends keep them.
//!
//! Nothing here knows of packets that are lost or found: what goes into a packet is told as
//! [`Content`], and comes back as arrived or lost.

mod entry;
mod incoming;
mod outgoing;
mod receive;
mod send;
mod usage;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mixbed_wire::DropReason;

use crate::{Event, FIRST_SESSION_WINDOW, FIRST_STREAM_WINDOW, Limits, Reason, StreamId};

use entry::Entry;
pub(crate) use send::Part;

/// What no honest other end does: the session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) &'static str);

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The session is to end.
    Violation(Violation),
    /// There is no room for another stream now; later there may be.
    TooMany,
}

impl From<Violation> for Refused {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<Refused> for DropReason {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Violation(_) => Self::UnknownMessage,
            Refused::TooMany => Self::TooManyMessages,
        }
    }
}

/// A frame that says how things are: sent again in the newest wording. In this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Control {
    Open(StreamId),
    Granted(StreamId),
    Reset(StreamId),
    RoomAll,
    Room(StreamId),
}

/// What a packet carries that has to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Control(Control),
    Data(StreamId, Part),
}

/// Which end it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Provider,
}

/// All streams of one end.
#[derive(Debug)]
pub(crate) struct Streams {
    side: Side,
    limits: Limits,
    live: BTreeMap<StreamId, Entry>,
    /// One more than the highest stream there ever was.
    next: u32,
    /// Streams below `next` of which nothing came yet (provider).
    unseen: BTreeSet<u32>,
    /// Streams with something to send, whose turn comes in this order.
    ready: VecDeque<StreamId>,
    control: BTreeSet<Control>,
    /// Rooms that were told, and are told so many times more.
    again: BTreeMap<Control, u8>,
    events: VecDeque<Event>,
    closed: Option<Reason>,
    /// The other side takes so many bytes of all streams, ever.
    send_room: u64,
    sent: u64,
    buffered: usize,
    /// This side takes so many bytes of all streams, ever.
    receive_room: u64,
    received: u64,
    consumed: u64,
}

impl Streams {
    pub(crate) fn new(side: Side, limits: Limits) -> Self {
        Self {
            side,
            limits: limits.sound(),
            live: BTreeMap::new(),
            next: 0,
            unseen: BTreeSet::new(),
            ready: VecDeque::new(),
            control: BTreeSet::new(),
            again: BTreeMap::new(),
            events: VecDeque::new(),
            closed: None,
            send_room: FIRST_SESSION_WINDOW as u64,
            sent: 0,
            buffered: 0,
            receive_room: FIRST_SESSION_WINDOW as u64,
            received: 0,
            consumed: 0,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn closed(&self) -> Option<&Reason> {
        self.closed.as_ref()
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Ends the session, and all of its streams.
    pub(crate) fn close(&mut self, reason: Reason) {
        if self.closed.is_none() {
            self.live.clear();
            self.ready.clear();
            self.control.clear();
            self.again.clear();
            self.unseen.clear();
            self.buffered = 0;
            self.events.push_back(Event::Closed(reason.clone()));
            self.closed = Some(reason);
        }
    }

    /// Bytes that came and were not read, in all streams.
    #[cfg(test)]
    pub(crate) fn unread(&self) -> u64 {
        self.received - self.consumed
    }

    /// So many streams there may be here. At the provider twice as many as the client may have: those
    /// that are done there may not be done here.
    fn most_streams(&self) -> usize {
        match self.side {
            Side::Client => self.limits.streams,
            Side::Provider => 2 * self.limits.streams + 16,
        }
    }

    fn new_entry(&mut self, id: StreamId) -> &mut Entry {
        let room = FIRST_STREAM_WINDOW as u64;
        self.live.entry(id).or_insert_with(|| Entry::new(room))
    }

    /// So many bytes that came need no room any more.
    fn consume(&mut self, bytes: u64) {
        self.consumed += bytes;
        let window = self.limits.session_window as u64;
        let room = self.consumed + window;
        if room.saturating_sub(self.receive_room) >= window / 4 {
            self.receive_room = room;
            self.control.insert(Control::RoomAll);
        }
    }

    /// Ends a stream from this side.
    fn fail(&mut self, id: StreamId, reason: Reason) {
        let Some(entry) = self.live.get_mut(&id).filter(|entry| entry.failed.is_none()) else {
            return;
        };
        entry.failed = Some(reason);
        entry.opening = None;
        entry.reset_due = true;
        self.buffered -= entry.send.buffered();
        entry.send.clear();
        let waited = entry.receive.ignore();
        self.control.remove(&Control::Open(id));
        self.control.remove(&Control::Room(id));
        self.control.insert(Control::Reset(id));
        self.consume(waited);
    }

    /// Forgets a stream if nothing more is to be done for it.
    fn tidy(&mut self, id: StreamId) {
        let Some(entry) = self.live.get(&id).filter(|entry| entry.is_done()) else { return };
        if entry.failed.is_none() {
            self.events.push_back(Event::Ended(id));
        }
        self.live.remove(&id);
        self.control.remove(&Control::Granted(id));
        self.control.remove(&Control::Room(id));
    }
}
