//! Which packets of the other side have come.

use std::collections::VecDeque;

use crate::frame::MAX_ACK_BYTES;

const _: () = assert!(Received::SPAN as usize == 8 * MAX_ACK_BYTES);

/// The packets from a floor on that have come. Those below it are done with.
#[derive(Debug, Default)]
pub(crate) struct Received {
    floor: u32,
    come: VecDeque<bool>,
}

impl Received {
    /// How far beyond the floor a packet may be.
    pub(crate) const SPAN: u32 = 1_280;

    /// Notes a packet; `false` if it is too far ahead, which no honest sender's is.
    pub(crate) fn mark(&mut self, number: u32) -> bool {
        let Some(ahead) = number.checked_sub(self.floor) else { return true };
        if ahead >= Self::SPAN {
            return false;
        }
        let at = ahead as usize;
        if self.come.len() <= at {
            self.come.resize(at + 1, false);
        }
        self.come[at] = true;
        true
    }

    /// Whether a packet has come. Of those below the floor nothing is known: they count as come.
    pub(crate) fn has(&self, number: u32) -> bool {
        match number.checked_sub(self.floor) {
            None => true,
            Some(ahead) => self.come.get(ahead as usize).is_some_and(|come| *come),
        }
    }

    /// Forgets what is below a new floor.
    pub(crate) fn raise(&mut self, floor: u32) {
        if let Some(by) = floor.checked_sub(self.floor) {
            self.come.drain(..(by as usize).min(self.come.len()));
            self.floor = floor;
        }
    }

    pub(crate) fn floor(&self) -> u32 {
        self.floor
    }

    /// One more than the highest packet that has come, or the floor.
    pub(crate) fn ceiling(&self) -> u32 {
        // At most SPAN long.
        self.floor.saturating_add(u32::try_from(self.come.len()).unwrap_or(u32::MAX))
    }

    /// The bits from the floor on, lowest first.
    pub(crate) fn bitmap(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.come.len().div_ceil(8)];
        for (at, _) in self.come.iter().enumerate().filter(|(_, come)| **come) {
            bytes[at / 8] |= 1 << (at % 8);
        }
        bytes
    }
}

/// Whether an acknowledgement says that a packet has come.
pub(crate) fn says(floor: u32, bitmap: &[u8], number: u32) -> bool {
    number.checked_sub(floor).is_some_and(|ahead| {
        bitmap.get(ahead as usize / 8).is_some_and(|byte| byte & (1 << (ahead % 8)) != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_said() {
        let mut received = Received::default();
        assert!(received.mark(3) && received.mark(0) && received.mark(11));
        let bitmap = received.bitmap();
        let said: Vec<_> = (0..30).filter(|number| says(0, &bitmap, *number)).collect();
        assert_eq!(said, [0, 3, 11]);
        received.raise(4);
        assert_eq!((received.floor(), received.ceiling()), (4, 12));
        assert!(says(4, &received.bitmap(), 11) && !says(4, &received.bitmap(), 3));
        assert!(received.has(2) && received.has(11) && !received.has(5) && !received.has(12));
        assert!(received.mark(1), "late, and no matter");
        received.raise(2);
        assert_eq!(received.floor(), 4);
    }

    #[test]
    fn it_is_bounded() {
        let mut received = Received::default();
        assert!(!received.mark(Received::SPAN) && !received.mark(u32::MAX));
        assert!(received.mark(Received::SPAN - 1));
        assert_eq!(received.bitmap().len(), MAX_ACK_BYTES);
        received.raise(u32::MAX);
        assert!(received.mark(u32::MAX) && received.bitmap() == [1]);
    }
}
