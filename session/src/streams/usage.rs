//! What the streams' users do.

use mixbed_wire::message::MAX_SERVICE_NAME;

use crate::{Code, Event, Limits, MAX_TARGET, OpenError, Read, Reason, StreamId};

use super::{Control, Streams};

impl Streams {
    /// Opens a stream (client).
    pub(crate) fn open(&mut self, service: &str, target: &str) -> Result<StreamId, OpenError> {
        if let Some(reason) = &self.closed {
            return Err(OpenError::Closed(reason.clone()));
        }
        if self.live.len() >= self.limits.streams || self.next == u32::MAX {
            return Err(OpenError::TooMany(self.live.len()));
        }
        if !is_service(service) {
            return Err(OpenError::Service);
        }
        if target.len() > MAX_TARGET {
            return Err(OpenError::Target(target.len()));
        }
        let id = StreamId(self.next);
        self.next += 1;
        let entry = self.new_entry(id);
        entry.opening = Some((service.to_owned(), target.to_owned()));
        entry.known = true;
        self.control.insert(Control::Open(id));
        // All the room there is, from the first packet on.
        self.consume(0);
        Ok(id)
    }

    /// Grants a stream (provider).
    pub(crate) fn grant(&mut self, id: StreamId) {
        if let Some(entry) = self.live.get_mut(&id).filter(|entry| !entry.granted) {
            entry.granted = true;
            if entry.failed.is_none() {
                self.control.insert(Control::Granted(id));
                self.consume(0);
            }
        }
    }

    pub(crate) fn is_granted(&self, id: StreamId) -> bool {
        self.live.get(&id).is_some_and(|entry| entry.granted)
    }

    pub(crate) fn write(&mut self, id: StreamId, data: &[u8]) -> Result<usize, Reason> {
        if let Some(reason) = &self.closed {
            return Err(reason.clone());
        }
        let room = self.room_to_write(id);
        let Some(entry) = self.live.get_mut(&id) else { return Err(Code::Closed.into()) };
        if let Some(reason) = &entry.failed {
            return Err(reason.clone());
        }
        if entry.send.is_finished() {
            return Err(Reason::new(Code::Closed, "finished before"));
        }
        let taken = room.min(data.len());
        entry.send.write(&data[..taken]);
        entry.send.blocked |= taken < data.len();
        self.buffered += taken;
        self.queue(id);
        Ok(taken)
    }

    /// How many more bytes a stream may write now. It gets an equal share of the session's buffer, and
    /// at most half of what the others leave free, so that streams whose bytes nobody takes never
    /// have it all. A quarter is kept for what each stream may always have: whoever waits for room
    /// waits for bytes of its own to arrive, and for no other stream.
    fn room_to_write(&self, id: StreamId) -> usize {
        let Limits { session_window, send_buffer, .. } = self.limits;
        let own = self.live.get(&id).map_or(0, |entry| entry.send.buffered());
        let kept = session_window / 4;
        let free = (session_window - kept).saturating_sub(self.buffered);
        let equal = session_window / self.live.len().max(1);
        let share =
            equal.min(usize::midpoint(free, own)).min(send_buffer).max(kept / self.most_streams());
        share.saturating_sub(own)
    }

    pub(crate) fn finish(&mut self, id: StreamId) {
        if let Some(entry) = self.live.get_mut(&id).filter(|entry| entry.failed.is_none()) {
            entry.send.finish();
            self.queue(id);
        }
    }

    pub(crate) fn reset(&mut self, id: StreamId, reason: Reason) {
        self.fail(id, reason);
        self.tidy(id);
    }

    pub(crate) fn release(&mut self, id: StreamId) {
        let Some(entry) = self.live.get_mut(&id) else { return };
        entry.released = true;
        if entry.failed.is_none() && !entry.send.is_finished() {
            self.fail(id, Code::Closed.into());
        } else {
            let waited = if entry.receive.is_ignored() { 0 } else { entry.receive.ignore() };
            self.consume(waited);
            self.end_released(id);
        }
        self.tidy(id);
    }

    /// All that a released stream had to send has arrived: now the other side learns that nobody
    /// reads.
    pub(super) fn end_released(&mut self, id: StreamId) {
        let over = |entry: &super::Entry| {
            entry.released && entry.send.is_done() && !entry.receive.knows_end()
        };
        if self.live.get(&id).is_some_and(over) {
            self.fail(id, Code::Closed.into());
        }
    }

    pub(crate) fn read(&mut self, id: StreamId, into: &mut [u8]) -> Result<Read, Reason> {
        if let Some(reason) = &self.closed {
            return Err(reason.clone());
        }
        let unread = self.received - self.consumed;
        let free = (self.limits.session_window as u64).saturating_sub(unread);
        let Some(entry) = self.live.get_mut(&id) else { return Err(Code::Closed.into()) };
        if entry.receive.is_ignored() {
            return Err(entry.failed.clone().unwrap_or(Code::Closed.into()));
        }
        let length = entry.receive.read(into);
        if length == 0 {
            if entry.receive.at_end() {
                self.tidy(id);
                return Ok(Read::End);
            }
            entry.receive.waiting |= !into.is_empty();
            return Ok(Read::Nothing);
        }
        // Half of what is free: streams that nobody reads never take all of the session's window.
        let first = crate::FIRST_STREAM_WINDOW as u64;
        let window = (free / 2).clamp(first, self.limits.stream_window as u64);
        if let Some(room) = entry.receive.more_room(window) {
            entry.receive.set_room(room);
            self.control.insert(Control::Room(id));
        }
        if !entry.receive.is_ready() {
            // What comes next is news, whether or not this reader asks before.
            entry.receive.waiting = true;
        }
        self.consume(length as u64);
        Ok(Read::Data(length))
    }

    /// Tells a writer that there is room again: a quarter of what it may have.
    pub(super) fn tell_writer(&mut self, id: StreamId) {
        let room = self.room_to_write(id);
        if let Some(entry) = self.live.get_mut(&id)
            && room >= entry.send.buffered() / 3
            && room > 0
            && std::mem::take(&mut entry.send.blocked)
        {
            self.events.push_back(Event::Writable(id));
        }
    }
}

/// As `mixbed_wire::message::Request` has it.
pub(super) fn is_service(name: &str) -> bool {
    (1..=MAX_SERVICE_NAME).contains(&name.len())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
}
