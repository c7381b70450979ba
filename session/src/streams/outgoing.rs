//! What goes into packets, and what becomes of it.

use crate::{
    StreamId,
    frame::{DATA_OVERHEAD, Frame},
};

use super::{Content, Control, Streams};

/// A piece of a stream is not cut smaller than this to fill up a packet, in bytes.
const LEAST_PIECE: usize = 48;

/// How many control frames one packet takes at most.
const MAX_CONTROLS: usize = 64;

/// Packets after the one that tells of room that tell of it as well: without it the other side stands
/// still, and that one was lost is noticed a round trip later.
const ROOM_AGAIN: u8 = 3;

/// About how long a frame with a number or two is.
const SHORT: usize = 12;

/// How many rooms one packet tells again at most.
const MAX_AGAIN: usize = 4;

impl Streams {
    /// How many more new bytes of all streams may be sent.
    fn credit(&self) -> u64 {
        self.send_room.saturating_sub(self.sent)
    }

    /// Puts a stream into the queue if it has something to send.
    pub(super) fn queue(&mut self, id: StreamId) {
        if let Some(entry) = self.live.get_mut(&id)
            && !entry.queued
            && entry.send.is_due(u64::MAX)
        {
            entry.queued = true;
            self.ready.push_back(id);
        }
    }

    /// Whether there is anything to send.
    pub(crate) fn is_due(&self) -> bool {
        let credit = self.credit();
        !self.control.is_empty() || self.queued().any(|entry| entry.send.is_due(credit))
    }

    /// Whether a stream has something to send, and no room for it.
    pub(crate) fn is_held(&self) -> bool {
        let credit = self.credit();
        self.live.values().any(|entry| entry.send.is_held(credit))
    }

    fn queued(&self) -> impl Iterator<Item = &super::Entry> {
        self.ready.iter().filter_map(|id| self.live.get(id))
    }

    /// Bytes of streams that could be sent now.
    pub(crate) fn waiting(&self) -> u64 {
        let mut credit = self.credit();
        let mut waiting = 0;
        for entry in self.queued() {
            let sendable = entry.send.sendable(credit);
            credit = credit.saturating_sub(sendable);
            waiting += sendable;
        }
        waiting
    }

    /// About how many bytes of frames could be sent now.
    pub(crate) fn backlog(&self) -> usize {
        let data = self.waiting() + (self.ready.len() * DATA_OVERHEAD) as u64;
        let mut backlog = usize::try_from(data).unwrap_or(usize::MAX);
        backlog = backlog.saturating_add(SHORT * self.again.len().min(MAX_AGAIN));
        for control in self.control.iter().take(MAX_CONTROLS) {
            backlog = backlog.saturating_add(match control {
                Control::Open(id) => {
                    let opening = self.live.get(id).and_then(|entry| entry.opening.as_ref());
                    opening.map_or(0, |(service, target)| 8 + service.len() + target.len())
                }
                Control::Reset(id) => {
                    let failed = self.live.get(id).and_then(|entry| entry.failed.as_ref());
                    failed.map_or(0, |reason| 16 + reason.words().len())
                }
                Control::Granted(_) | Control::RoomAll | Control::Room(_) => SHORT,
            });
        }
        backlog
    }

    /// Appends frames to a packet that may have `most` bytes in all, and tells what they are.
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>, most: usize, contents: &mut Vec<Content>) {
        let due: Vec<_> = self.control.iter().copied().take(MAX_CONTROLS).collect();
        let mut rooms = Vec::new();
        for control in due {
            let mut frame = Vec::new();
            self.encode(control, &mut frame);
            if out.len() + frame.len() <= most {
                self.control.remove(&control);
                if !frame.is_empty() {
                    out.extend(frame);
                    contents.push(Content::Control(control));
                    if matches!(control, Control::RoomAll | Control::Room(_)) {
                        self.again.remove(&control);
                        rooms.push(control);
                    }
                }
            }
        }
        self.tell_rooms_again(out, most);
        self.again.extend(rooms.into_iter().map(|room| (room, ROOM_AGAIN)));
        // Each stream has its turn; those that had it wait behind the others.
        let mut passed = 0;
        while passed < self.ready.len() {
            let room = most.saturating_sub(out.len() + DATA_OVERHEAD);
            if room < LEAST_PIECE {
                break;
            }
            let Some(id) = self.ready.pop_front() else { break };
            let credit = self.credit();
            let Some(entry) = self.live.get_mut(&id) else { continue };
            let before = entry.send.next();
            if let Some(part) = entry.send.take(room, credit) {
                self.sent += entry.send.next() - before;
                let mut data = Vec::new();
                entry.send.copy(part, &mut data);
                let Part { start: offset, last, .. } = part;
                Frame::Data { stream: id.0, offset, last, data: &data }.encode(out);
                contents.push(Content::Data(id, part));
                passed = 0;
            } else {
                passed += 1;
            }
            entry.queued = entry.send.is_due(u64::MAX);
            if entry.queued {
                self.ready.push_back(id);
            }
        }
    }

    /// Appends what was said of room a packet ago, as it is now.
    fn tell_rooms_again(&mut self, out: &mut Vec<u8>, most: usize) {
        let rooms: Vec<_> =
            self.again.iter().take(MAX_AGAIN).map(|(r, times)| (*r, *times)).collect();
        for (room, times) in rooms {
            let mut frame = Vec::new();
            self.encode(room, &mut frame);
            if out.len() + frame.len() > most {
                break;
            }
            if times > 1 && !frame.is_empty() {
                self.again.insert(room, times - 1);
            } else {
                self.again.remove(&room);
            }
            out.extend(frame);
        }
    }

    /// Appends frames that say what other packets said, as far as it matters still and fits into a
    /// packet of `most` bytes; only what they say stays in `contents`.
    pub(crate) fn say_again(&self, out: &mut Vec<u8>, most: usize, contents: &mut Vec<Content>) {
        contents.retain(|content| {
            let mut frame = Vec::new();
            match *content {
                Content::Control(control) => self.encode(control, &mut frame),
                Content::Data(id, part) => self.encode_again(id, part, &mut frame),
            }
            let said = !frame.is_empty() && out.len() + frame.len() <= most;
            if said {
                out.extend(frame);
            }
            said
        });
    }

    /// How many bytes before these are not known to have arrived, at least.
    pub(crate) fn far(&self, contents: &[Content]) -> u64 {
        let far = |content: &Content| match content {
            Content::Control(_) => 0,
            Content::Data(id, part) => self.live.get(id).map_or(0, |entry| entry.send.far(*part)),
        };
        contents.iter().map(far).min().unwrap_or_default()
    }

    fn encode_again(&self, id: StreamId, part: Part, out: &mut Vec<u8>) {
        let Some(entry) = self.live.get(&id) else { return };
        let Some(part) = entry.send.unknown(part) else { return };
        let mut data = Vec::new();
        entry.send.copy(part, &mut data);
        let Part { start: offset, last, .. } = part;
        Frame::Data { stream: id.0, offset, last, data: &data }.encode(out);
    }

    /// The frame as things are now; nothing if there is no point in it any more.
    fn encode(&self, control: Control, out: &mut Vec<u8>) {
        match control {
            Control::Open(id) => {
                let opening = self.live.get(&id).and_then(|entry| entry.opening.as_ref());
                if let Some((service, target)) = opening {
                    Frame::Open { stream: id.0, service, target }.encode(out);
                }
            }
            Control::Granted(id) => Frame::Granted { stream: id.0 }.encode(out),
            Control::Reset(id) => {
                if let Some(entry) = self.live.get(&id)
                    && let Some(reason) = &entry.failed
                {
                    Frame::reset(id.0, entry.send.next(), reason).encode(out);
                }
            }
            Control::RoomAll => Frame::RoomAll { bytes: self.receive_room }.encode(out),
            Control::Room(id) => {
                if let Some(entry) = self.live.get(&id) {
                    Frame::Room { stream: id.0, offset: entry.receive.room() }.encode(out);
                }
            }
        }
    }

    /// A packet with this in it arrived.
    pub(crate) fn arrived(&mut self, content: Content) {
        match content {
            Content::Control(Control::Open(id)) => {
                self.control.remove(&Control::Open(id));
                if let Some(entry) = self.live.get_mut(&id) {
                    entry.opening = None;
                }
            }
            Content::Control(Control::Reset(id)) => {
                self.control.remove(&Control::Reset(id));
                if let Some(entry) = self.live.get_mut(&id) {
                    entry.reset_due = false;
                }
                self.tidy(id);
            }
            Content::Control(_) => {}
            Content::Data(id, part) => {
                let Some(entry) = self.live.get_mut(&id).filter(|entry| entry.failed.is_none())
                else {
                    return;
                };
                let before = entry.send.buffered();
                entry.send.arrived(part);
                self.buffered -= before - entry.send.buffered();
                self.tell_writer(id);
                self.end_released(id);
                self.tidy(id);
            }
        }
    }

    /// A packet with this in it was lost.
    pub(crate) fn lost(&mut self, content: Content) {
        match content {
            Content::Control(control) => {
                let matters = match control {
                    Control::Open(id) => {
                        self.live.get(&id).is_some_and(|entry| entry.opening.is_some())
                    }
                    Control::Granted(id) => {
                        self.live.get(&id).is_some_and(|entry| entry.failed.is_none())
                    }
                    Control::Reset(id) => self.live.get(&id).is_some_and(|entry| entry.reset_due),
                    Control::Room(id) => self.live.get(&id).is_some_and(|entry| {
                        !entry.receive.knows_end() && !entry.receive.is_ignored()
                    }),
                    Control::RoomAll => self.closed.is_none(),
                };
                if matters {
                    self.control.insert(control);
                }
            }
            Content::Data(id, part) => {
                let entry = self.live.get_mut(&id);
                if let Some(entry) = entry.filter(|entry| entry.failed.is_none()) {
                    entry.send.lost(part);
                    self.queue(id);
                }
            }
        }
    }
}

use super::Part;
