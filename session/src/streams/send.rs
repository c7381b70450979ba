//! One stream's way out: what was written and is not known to have arrived.

use std::collections::VecDeque;

use crate::ranges::Ranges;

/// How far the end of a stream has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// More may be written.
    Open,
    /// To be told, or told again.
    Due,
    /// Under way.
    Told,
    /// The other side knows.
    Arrived,
}

/// A part of a stream that goes into one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) last: bool,
}

/// The half of a stream that is written here.
#[derive(Debug)]
pub(crate) struct SendHalf {
    /// Everything below has arrived.
    base: u64,
    /// What was written, from `base` on.
    buffer: VecDeque<u8>,
    /// The first byte that was never sent.
    next: u64,
    arrived: Ranges,
    lost: Ranges,
    last: Last,
    /// The other side takes bytes below this.
    room: u64,
    /// A write took less than it was offered.
    pub(crate) blocked: bool,
}

impl SendHalf {
    pub(crate) fn new(room: u64) -> Self {
        Self {
            base: 0,
            buffer: VecDeque::new(),
            next: 0,
            arrived: Ranges::default(),
            lost: Ranges::default(),
            last: Last::Open,
            room,
            blocked: false,
        }
    }

    fn end(&self) -> u64 {
        self.base + self.buffer.len() as u64
    }

    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The first byte that was never sent.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn write(&mut self, data: &[u8]) {
        self.buffer.extend(data);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.last != Last::Open
    }

    pub(crate) fn finish(&mut self) {
        if self.last == Last::Open {
            self.last = Last::Due;
        }
    }

    /// The other side takes more.
    pub(crate) fn raise(&mut self, room: u64) {
        self.room = self.room.max(room);
    }

    /// Bytes that could be sent now if `credit` more new ones may be.
    pub(crate) fn sendable(&self, credit: u64) -> u64 {
        let fresh = self.end().min(self.room).saturating_sub(self.next);
        self.lost.total() + fresh.min(credit)
    }

    /// Whether there is anything to be sent.
    pub(crate) fn is_due(&self, credit: u64) -> bool {
        self.sendable(credit) > 0 || (self.last == Last::Due && self.next == self.end())
    }

    /// Whether there is more, and no room for any of it.
    pub(crate) fn is_held(&self, credit: u64) -> bool {
        self.next < self.end() && self.sendable(credit) == 0
    }

    /// The next part, of at most `most` bytes: first what was lost, then what is new.
    pub(crate) fn take(&mut self, most: usize, credit: u64) -> Option<Part> {
        let most = most as u64;
        let (start, end) = if let Some((start, end)) = self.lost.first() {
            let end = end.min(start + most);
            self.lost.remove(start, end);
            (start, end)
        } else {
            let start = self.next;
            let end = self.end().min(self.room).min(start + most.min(credit)).max(start);
            self.next = end;
            (start, end)
        };
        let last = matches!(self.last, Last::Due | Last::Told) && end == self.end();
        if start == end && !(last && self.last == Last::Due) {
            return None;
        }
        if last {
            self.last = Last::Told;
        }
        Some(Part { start, end, last })
    }

    /// Appends a part's bytes.
    pub(crate) fn copy(&self, part: Part, out: &mut Vec<u8>) {
        let at = |offset: u64| {
            usize::try_from(offset.saturating_sub(self.base))
                .map_or(0, |at| at.min(self.buffer.len()))
        };
        let (from, to) = (at(part.start), at(part.end));
        let (front, back) = self.buffer.as_slices();
        let split = front.len();
        out.extend(&front[from.min(split)..to.min(split)]);
        out.extend(&back[from.max(split) - split..to.max(split) - split]);
    }

    /// A packet with this part arrived.
    pub(crate) fn arrived(&mut self, part: Part) {
        if part.last {
            self.last = Last::Arrived;
        }
        let start = part.start.max(self.base);
        if start >= part.end {
            return;
        }
        self.lost.remove(start, part.end);
        self.arrived.insert(start, part.end);
        if let Some((from, to)) = self.arrived.first()
            && from == self.base
        {
            self.arrived.remove(from, to);
            self.buffer
                .drain(..usize::try_from(to - from).unwrap_or(usize::MAX).min(self.buffer.len()));
            self.base = to;
        }
    }

    /// A packet with this part was lost.
    pub(crate) fn lost(&mut self, part: Part) {
        for (from, to) in self.arrived.missing(part.start.max(self.base), part.end) {
            self.lost.insert(from, to);
        }
        if part.last && self.last == Last::Told {
            self.last = Last::Due;
        }
    }

    /// A part from its first byte on that is not known to have arrived, if there is one.
    pub(crate) fn unknown(&self, part: Part) -> Option<Part> {
        let Part { end, last, .. } = part;
        let missing = self.arrived.missing(part.start.max(self.base), end);
        let start = missing.into_iter().map(|(from, _)| from).next();
        let end_matters = last && self.last != Last::Arrived;
        let start = start.or(end_matters.then_some(end))?;
        Some(Part { start, end, last })
    }

    /// How far a part is from the first byte that is not known to have arrived.
    pub(crate) fn far(&self, part: Part) -> u64 {
        part.start.saturating_sub(self.base)
    }

    /// Everything arrived, the end included.
    pub(crate) fn is_done(&self) -> bool {
        self.last == Last::Arrived && self.buffer.is_empty()
    }

    /// Nothing more is sent.
    pub(crate) fn clear(&mut self) {
        self.buffer = VecDeque::new();
        self.base = self.next;
        self.lost.clear();
        self.arrived.clear();
        self.last = Last::Arrived;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = u64::MAX / 2;

    #[test]
    fn lost_parts_go_first_and_arrived_ones_never_again() {
        let mut half = SendHalf::new(1_000);
        half.write(b"abcdefghij");
        let parts: Vec<_> = (0..3).map(|_| half.take(3, ALL).expect("there is more")).collect();
        assert_eq!(parts[1], Part { start: 3, end: 6, last: false });
        half.arrived(parts[1]);
        half.lost(parts[0]);
        half.lost(parts[1]);
        assert_eq!(half.take(9, ALL), Some(parts[0]), "lost, and arrived before it was lost");
        half.finish();
        assert_eq!(half.take(9, ALL), Some(Part { start: 9, end: 10, last: true }));
        assert_eq!(half.take(9, ALL), None);
        let mut out = Vec::new();
        half.copy(Part { start: 2, end: 8, last: false }, &mut out);
        assert_eq!(out, b"cdefgh");
        half.arrived(parts[0]);
        assert_eq!(half.buffered(), 4);
        half.arrived(Part { start: 6, end: 9, last: false });
        half.lost(Part { start: 9, end: 10, last: true });
        assert!(half.is_due(0) && !half.is_done());
        let end = half.take(9, 0).expect("the end again");
        half.arrived(end);
        assert!(half.is_done());
    }

    #[test]
    fn room_and_credit_are_kept() {
        let mut half = SendHalf::new(4);
        half.write(b"abcdefghij");
        half.finish();
        assert_eq!((half.sendable(2), half.sendable(ALL)), (2, 4));
        assert_eq!(half.take(100, 2).map(|part| part.end), Some(2));
        assert_eq!(half.take(100, ALL).map(|part| part.end), Some(4));
        assert!(!half.is_due(ALL));
        half.raise(3);
        assert!(!half.is_due(ALL), "less is no matter");
        half.raise(10);
        assert_eq!(half.take(100, ALL), Some(Part { start: 4, end: 10, last: true }));
    }

    #[test]
    fn an_end_without_bytes_is_told() {
        let mut half = SendHalf::new(4);
        half.finish();
        assert_eq!(half.take(100, 0), Some(Part { start: 0, end: 0, last: true }));
        assert_eq!(half.take(100, 0), None);
    }
}
