//! What the streams' users do.

use mixbed_wire::message::MAX_SERVICE_NAME;

use crate::{Code, Event, MAX_TARGET, OpenError, Read, Reason, StreamId};

use super::{Control, Streams};

/// A stream's share of the session's send buffer is no smaller, in bytes.
const LEAST_SHARE: usize = 16 << 10;

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
        let share = self.share();
        let Some(entry) = self.live.get_mut(&id) else { return Err(Code::Closed.into()) };
        if let Some(reason) = &entry.failed {
            return Err(reason.clone());
        }
        if entry.send.is_finished() {
            return Err(Reason::new(Code::Closed, "finished before"));
        }
        let all = self.limits.session_window.saturating_sub(self.buffered);
        let taken = share.saturating_sub(entry.send.buffered()).min(all).min(data.len());
        entry.send.write(&data[..taken]);
        if taken < data.len() {
            entry.send.blocked = true;
            self.full |= taken == all;
        }
        self.buffered += taken;
        self.queue(id);
        Ok(taken)
    }

    /// What one stream may have of the send buffer, so that others find room as well.
    fn share(&self) -> usize {
        let equal = self.limits.session_window / self.live.len().max(1);
        equal.clamp(LEAST_SHARE, self.limits.send_buffer.max(LEAST_SHARE))
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

    /// Tells writers that there is room again.
    pub(super) fn tell_writers(&mut self, id: StreamId) {
        let share = self.share();
        let roomy = self.buffered < self.limits.session_window / 4 * 3;
        if self.full && roomy {
            self.full = false;
            for (id, entry) in &mut self.live {
                if std::mem::take(&mut entry.send.blocked) {
                    self.events.push_back(Event::Writable(*id));
                }
            }
        } else if let Some(entry) = self.live.get_mut(&id)
            && roomy
            && entry.send.buffered() <= share / 4 * 3
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
