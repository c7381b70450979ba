//! What both ends of a session have in common.

use std::time::Instant;

use crate::{Reason, StreamId};

/// Something happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client asks for a stream (provider only): to be granted or refused. What the client has
    /// written already can be read at once.
    Asked {
        /// The stream.
        stream: StreamId,
        /// The service that is to serve it.
        service: String,
        /// What the service is to connect it to.
        target: String,
    },
    /// The provider granted a stream (client only).
    Granted(StreamId),
    /// There is something to read, or the end.
    Readable(StreamId),
    /// There is room to write again, after a write that took less than it was offered.
    Writable(StreamId),
    /// The other side ended a stream in both directions at once, or refused it. What was not read
    /// is gone.
    Reset(StreamId, Reason),
    /// Both directions of a stream are done: all was read, and all that was written has arrived.
    Ended(StreamId),
    /// The whole session is over, and all of its streams with it. Nothing comes after this.
    Closed(Reason),
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes, at least one.
    Data(usize),
    /// Nothing yet: wait for [`Event::Readable`].
    Nothing,
    /// The other side has finished, and all was read.
    End,
}

/// One end of a session: what both can do with streams. All of it is cheap, and none of it waits.
///
/// After any call the owner asks the end, in this order: `poll_event` until there is none,
/// `poll_transmit` (of the end itself) as often as it may send, `poll_timeout`.
pub trait End {
    /// Takes bytes to be sent; returns how many. 0 means that the buffer is full: wait for
    /// [`Event::Writable`].
    ///
    /// # Errors
    /// Why the stream ended, or [`Code::Closed`](crate::Code) for one that is finished or not known.
    fn write(&mut self, id: StreamId, data: &[u8]) -> Result<usize, Reason>;

    /// Nothing more will be written: the other side reads the end after what was written so far.
    fn finish(&mut self, id: StreamId);

    /// Ends both directions at once. What was not sent or read is gone; the other side gets the
    /// reason.
    fn reset(&mut self, id: StreamId, reason: Reason);

    /// Nothing more will be read nor written here. What was written before a
    /// [`finish`](Self::finish) still arrives; a stream that was not finished is reset
    /// ([`Code::Closed`](crate::Code)), unless it has ended anyhow.
    fn release(&mut self, id: StreamId);

    /// Reads what has come, in order.
    ///
    /// # Errors
    /// Why the stream ended, or [`Code::Closed`](crate::Code) for one that is not known.
    fn read(&mut self, id: StreamId, into: &mut [u8]) -> Result<Read, Reason>;

    /// Whether a stream was granted; `false` as well for one that is not known.
    fn is_granted(&self, id: StreamId) -> bool;

    /// Ends the session: the other side is told in one packet, if one can be sent.
    fn close(&mut self, reason: Reason, now: Instant);

    /// Why the session is over, if it is.
    fn closed(&self) -> Option<&Reason>;

    /// How many streams are not done.
    fn streams(&self) -> usize;

    /// What happened, oldest first.
    fn poll_event(&mut self) -> Option<Event>;

    /// To be called at [`poll_timeout`](Self::poll_timeout), or later.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) is to be called. Changes with any call. A time
    /// that is past means that there is something to transmit: whoever cannot waits until he can.
    fn poll_timeout(&self) -> Option<Instant>;
}

/// Why no stream was opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The session has as many streams as it may.
    #[error("the session has {0} streams already: wait until one ends, or use another session")]
    TooMany(usize),
    /// No service has such a name.
    #[error("a service's name is 1 to 63 of a-z, 0-9, '-', '_' and '.'")]
    Service,
    /// The target is longer than the opening of a stream carries.
    #[error("a target of {0} bytes is too long: at most {max}", max = crate::MAX_TARGET)]
    Target(usize),
    /// The session is over.
    #[error("the session is over: {0}")]
    Closed(Reason),
}
