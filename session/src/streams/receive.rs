//! One stream's way in: what came, put in order.

use std::collections::VecDeque;

use crate::ranges::Ranges;

use super::Violation;

/// The half of a stream that is read here.
#[derive(Debug)]
pub(crate) struct ReceiveHalf {
    /// Everything below was read.
    base: u64,
    /// Bytes from `base` on, with holes.
    buffer: VecDeque<u8>,
    /// Which of them are no holes.
    come: Ranges,
    /// One more than the highest byte that came.
    highest: u64,
    end: Option<u64>,
    /// The other side may send bytes below this.
    room: u64,
    /// The reader knows that the end is reached.
    told: bool,
    /// Nobody reads any more.
    ignored: bool,
    /// The reader found nothing.
    pub(crate) waiting: bool,
}

impl ReceiveHalf {
    /// The most holes: more than one for each packet that may be under way.
    const MAX_HOLES: usize = 2_048;

    pub(crate) fn new(room: u64) -> Self {
        Self {
            base: 0,
            buffer: VecDeque::new(),
            come: Ranges::default(),
            highest: 0,
            end: None,
            room,
            told: false,
            ignored: false,
            waiting: true,
        }
    }

    /// By how much the highest byte would rise: that is what counts against the session's window.
    pub(crate) fn rise(&self, offset: u64, length: usize, last: bool) -> Result<u64, Violation> {
        let end = offset.saturating_add(length as u64);
        if end > self.room {
            return Err(Violation("more bytes of a stream than there is room"));
        }
        let fits = match self.end {
            Some(known) => end <= known && (!last || end == known),
            None => !last || end >= self.highest,
        };
        if !fits {
            return Err(Violation("a stream goes on after its end"));
        }
        Ok(end.saturating_sub(self.highest))
    }

    /// Takes bytes that [`rise`](Self::rise) allowed.
    pub(crate) fn insert(&mut self, offset: u64, data: &[u8], last: bool) -> Result<(), Violation> {
        let end = offset + data.len() as u64;
        self.highest = self.highest.max(end);
        if last {
            self.end = Some(end);
        }
        if self.ignored {
            self.base = self.highest;
            return Ok(());
        }
        if self.come.count() > Self::MAX_HOLES {
            return Err(Violation("a stream in too many pieces"));
        }
        let start = offset.max(self.base);
        if start < end {
            let place = |at: u64| usize::try_from(at - self.base).unwrap_or(usize::MAX);
            let (from, to) = (place(start), place(end));
            let fresh = &data[data.len() - (to - from)..];
            if from == self.buffer.len() {
                self.buffer.extend(fresh);
            } else {
                if self.buffer.len() < to {
                    self.buffer.resize(to, 0);
                }
                self.buffer.range_mut(from..to).zip(fresh).for_each(|(into, from)| *into = *from);
            }
            self.come.insert(start, end);
        }
        Ok(())
    }

    /// Bytes that can be read now.
    pub(crate) fn readable(&self) -> usize {
        let ready = self.come.first().filter(|(from, _)| *from == self.base);
        ready.map_or(0, |(from, to)| usize::try_from(to - from).unwrap_or(usize::MAX))
    }

    /// Whether a reader would find anything, be it the end.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ignored && (self.readable() > 0 || (self.end == Some(self.base) && !self.told))
    }

    /// Reads; 0 with an `into` that is not empty means nothing yet, or the [end](Self::at_end).
    pub(crate) fn read(&mut self, into: &mut [u8]) -> usize {
        let length = self.readable().min(into.len());
        let (front, back) = self.buffer.as_slices();
        let split = front.len().min(length);
        into[..split].copy_from_slice(&front[..split]);
        into[split..length].copy_from_slice(&back[..length - split]);
        self.buffer.drain(..length);
        let end = self.base + length as u64;
        self.come.remove(self.base, end);
        self.base = end;
        length
    }

    /// Whether all was read. Whoever asks is the reader.
    pub(crate) fn at_end(&mut self) -> bool {
        self.told |= self.end == Some(self.base);
        self.told
    }

    /// The offset up to which more room is to be told of, if it is worth a frame.
    pub(crate) fn more_room(&self, window: u64) -> Option<u64> {
        let room = self.base + window;
        let worth = room.saturating_sub(self.room) >= window / 4;
        (worth && self.end.is_none() && !self.ignored).then_some(room)
    }

    pub(crate) fn set_room(&mut self, room: u64) {
        self.room = self.room.max(room);
    }

    pub(crate) fn room(&self) -> u64 {
        self.room
    }

    pub(crate) fn knows_end(&self) -> bool {
        self.end.is_some()
    }

    /// Whether everything up to the end came, and can be read or was read.
    pub(crate) fn is_whole(&self) -> bool {
        !self.ignored && self.end == Some(self.base + self.readable() as u64)
    }

    /// Nobody will read any more. Returns how many bytes waited.
    pub(crate) fn ignore(&mut self) -> u64 {
        let waited = self.highest - self.base;
        self.ignored = true;
        self.base = self.highest;
        self.buffer = VecDeque::new();
        self.come.clear();
        waited
    }

    pub(crate) fn is_ignored(&self) -> bool {
        self.ignored
    }

    /// Nothing more is to come, and whoever reads knows it.
    pub(crate) fn is_done(&self) -> bool {
        self.told || (self.ignored && self.end.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(half: &mut ReceiveHalf) -> Vec<u8> {
        let mut out = vec![0; 100];
        let length = half.read(&mut out);
        out.truncate(length);
        out
    }

    #[test]
    fn pieces_are_put_in_order() {
        let mut half = ReceiveHalf::new(100);
        half.insert(6, b"ghi", true).unwrap();
        half.insert(1, b"bcd", false).unwrap();
        assert_eq!(half.readable(), 0);
        half.insert(0, b"ab", false).unwrap();
        assert_eq!(half.readable(), 4);
        let mut two = [0; 2];
        assert_eq!((half.read(&mut two), two), (2, *b"ab"));
        half.insert(0, b"abcdefg", false).unwrap();
        assert!(!half.at_end());
        assert_eq!(all(&mut half), b"cdefghi");
        assert!(half.is_ready(), "the end is news");
        assert!(half.at_end() && half.is_done() && !half.is_ready());
    }

    #[test]
    fn what_goes_too_far_is_a_violation() {
        let mut half = ReceiveHalf::new(10);
        assert_eq!(half.rise(8, 2, false), Ok(10));
        assert!(half.rise(8, 3, false).is_err() && half.rise(u64::MAX, 3, false).is_err());
        half.insert(2, b"cde", false).unwrap();
        assert!(half.rise(0, 4, true).is_err(), "ends before what came");
        half.insert(5, b"", true).unwrap();
        assert!(half.rise(5, 1, false).is_err() && half.rise(0, 4, true).is_err());
        assert_eq!(half.rise(0, 5, true), Ok(0));
    }

    #[test]
    fn holes_are_bounded() {
        let mut half = ReceiveHalf::new(1 << 20);
        let refused = (0..10_000).find(|at| half.insert(at * 2, b"x", false).is_err());
        assert_eq!(refused, Some(2_049));
    }

    #[test]
    fn room_grows_by_what_was_read() {
        let mut half = ReceiveHalf::new(100);
        half.insert(0, &[0; 24], false).unwrap();
        all(&mut half);
        assert_eq!(half.more_room(100), None, "not worth a frame");
        half.insert(24, &[0; 1], false).unwrap();
        all(&mut half);
        assert_eq!(half.more_room(100), Some(125));
        half.insert(30, &[0; 9], false).unwrap();
        assert_eq!(half.ignore(), 14, "holes included");
        assert_eq!(half.more_room(100), None);
    }
}
