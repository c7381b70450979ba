//! Frames of the other side.

use crate::{Event, Reason, StreamId, frame::Frame};

use super::{Control, Refused, Side, Streams, Violation, usage::is_service};

impl Streams {
    /// Takes a frame; `false` if it is none of streams. Frames may come again, and in any order.
    pub(crate) fn handle(&mut self, frame: &Frame<'_>) -> Result<bool, Refused> {
        match *frame {
            Frame::Open { stream, service, target } => self.handle_open(stream, service, target)?,
            Frame::Granted { stream } => self.handle_granted(stream)?,
            Frame::Reset { stream, end, code, words } => {
                self.handle_reset(stream, end, &Reason::new(code, words))?;
            }
            Frame::Room { stream, offset } => {
                if let Some(id) = self.admit(stream)? {
                    if let Some(entry) = self.live.get_mut(&id) {
                        entry.send.raise(offset);
                    }
                    self.queue(id);
                }
            }
            Frame::RoomAll { bytes } => self.send_room = self.send_room.max(bytes),
            Frame::Data { stream, offset, last, data } => {
                self.handle_data(stream, offset, last, data)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The stream of a number, if it is not over. At the provider it begins with any frame, because
    /// its opening may come later.
    fn admit(&mut self, stream: u32) -> Result<Option<StreamId>, Refused> {
        let id = StreamId(stream);
        if self.live.contains_key(&id) {
            return Ok(Some(id));
        }
        match self.side {
            Side::Client if stream >= self.next => {
                return Err(Violation("a stream that was never opened").into());
            }
            Side::Client => return Ok(None),
            Side::Provider => {}
        }
        if stream < self.next {
            if !self.unseen.remove(&stream) {
                return Ok(None);
            }
        } else {
            let new = (stream - self.next) as usize + 1;
            if new > self.most_streams().saturating_sub(self.live.len() + self.unseen.len()) {
                return Err(Refused::TooMany);
            }
            self.unseen.extend(self.next..stream);
            self.next = stream + 1;
        }
        self.new_entry(id);
        Ok(Some(id))
    }

    fn handle_open(&mut self, stream: u32, service: &str, target: &str) -> Result<(), Refused> {
        if self.side == Side::Client || !is_service(service) {
            return Err(Violation("an opening that is none").into());
        }
        if let Some(stream) = self.admit(stream)?
            && let Some(entry) = self.live.get_mut(&stream)
            && !std::mem::replace(&mut entry.known, true)
            && entry.failed.is_none()
        {
            let (service, target) = (service.to_owned(), target.to_owned());
            self.events.push_back(Event::Asked { stream, service, target });
        }
        Ok(())
    }

    fn handle_granted(&mut self, stream: u32) -> Result<(), Refused> {
        if self.side == Side::Provider {
            return Err(Violation("a client that grants").into());
        }
        if let Some(id) = self.admit(stream)? {
            self.note_granted(id);
        }
        Ok(())
    }

    /// The provider granted a stream, or sends data of it, which means the same (client).
    fn note_granted(&mut self, id: StreamId) {
        if let Some(entry) = self.live.get_mut(&id)
            && !std::mem::replace(&mut entry.granted, true)
            && entry.failed.is_none()
        {
            self.events.push_back(Event::Granted(id));
        }
    }

    fn handle_data(
        &mut self,
        stream: u32,
        offset: u64,
        last: bool,
        data: &[u8],
    ) -> Result<(), Refused> {
        let Some(id) = self.admit(stream)? else { return Ok(()) };
        let Some(entry) = self.live.get_mut(&id) else { return Ok(()) };
        let rise = entry.receive.rise(offset, data.len(), last)?;
        if self.received + rise > self.receive_room {
            return Err(Violation("more bytes of all streams than there is room").into());
        }
        self.received += rise;
        entry.receive.insert(offset, data, last)?;
        if entry.receive.is_ignored() {
            self.consume(rise);
        } else if entry.known
            && entry.receive.is_ready()
            && std::mem::take(&mut entry.receive.waiting)
        {
            self.events.push_back(Event::Readable(id));
        }
        if self.side == Side::Client {
            self.note_granted(id);
        }
        self.tidy(id);
        Ok(())
    }

    fn handle_reset(&mut self, stream: u32, end: u64, reason: &Reason) -> Result<(), Refused> {
        let Some(id) = self.admit(stream)? else { return Ok(()) };
        let Some(entry) = self.live.get_mut(&id) else { return Ok(()) };
        let rise = entry.receive.rise(end, 0, true)?;
        if self.received + rise > self.receive_room {
            return Err(Violation("more bytes of all streams than there is room").into());
        }
        self.received += rise;
        // What came whole can still be read: the other side only says that it reads no more.
        let whole = entry.receive.is_whole();
        let mut consumed = 0;
        if !whole {
            let ignored = entry.receive.is_ignored();
            consumed = if ignored { 0 } else { entry.receive.ignore() } + rise;
            entry.receive.insert(end, &[], true)?;
        }
        if entry.failed.is_none() {
            entry.failed = Some(reason.clone());
            entry.opening = None;
            if !entry.send.is_done() {
                entry.reset_due = true;
                self.control.insert(Control::Reset(id));
            }
            self.buffered -= entry.send.buffered();
            entry.send.clear();
            if entry.known {
                let event = if whole && !entry.receive.is_ignored() {
                    Event::Writable(id)
                } else {
                    Event::Reset(id, reason.clone())
                };
                self.events.push_back(event);
            }
            self.control.remove(&Control::Open(id));
            self.control.remove(&Control::Granted(id));
            self.control.remove(&Control::Room(id));
        }
        self.consume(consumed);
        self.tidy(id);
        Ok(())
    }
}
