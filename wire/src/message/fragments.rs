//! A message that arrives in parts, in any order.

use std::collections::BTreeMap;

use crate::DropReason;

use super::{Bitmap, MAX_FRAGMENTS, MAX_MESSAGE};

/// The parts of one message, as far as they have arrived. Holds what it was given and nothing for
/// what was only announced.
#[derive(Clone, Debug)]
pub struct Fragments {
    count: u16,
    parts: BTreeMap<u16, Box<[u8]>>,
    bytes: usize,
}

/// What a part changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was new; others are missing.
    New,
    /// It was the last one: the message is whole.
    Complete,
    /// It was there before, or the message is whole already. The first to come is kept.
    Duplicate,
}

impl Fragments {
    /// What a part costs besides its own bytes, for bounds: a map's entry, generously.
    pub const OVERHEAD: usize = 64;

    /// A message of `count` parts, none of which has arrived.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if no message has so many, or none.
    pub fn new(count: u16) -> Result<Self, DropReason> {
        if count == 0 || count > MAX_FRAGMENTS {
            return Err(DropReason::UnknownMessage);
        }
        Ok(Self { count, parts: BTreeMap::new(), bytes: 0 })
    }

    /// Adds a part that says it is number `index` of `count`.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] if the message has another count, or no such part, or the
    /// part is empty.
    pub fn insert(&mut self, index: u16, count: u16, data: &[u8]) -> Result<Inserted, DropReason> {
        if count != self.count || index >= count || data.is_empty() {
            return Err(DropReason::UnknownMessage);
        }
        if self.parts.contains_key(&index) {
            return Ok(Inserted::Duplicate);
        }
        self.parts.insert(index, data.into());
        self.bytes += data.len();
        Ok(if self.is_complete() { Inserted::Complete } else { Inserted::New })
    }

    /// How many parts the message has.
    #[must_use]
    pub fn count(&self) -> u16 {
        self.count
    }

    /// How many of them are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether none is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether a part is here.
    #[must_use]
    pub fn contains(&self, index: u16) -> bool {
        self.parts.contains_key(&index)
    }

    /// Whether all parts are here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts.len() == usize::from(self.count)
    }

    /// Whether the parts together are more than a message may be ([`MAX_MESSAGE`]).
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.bytes > MAX_MESSAGE
    }

    /// Bytes of memory that the parts take, about.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.bytes + self.parts.len() * Self::OVERHEAD
    }

    /// The parts that are here.
    #[must_use]
    pub fn held(&self) -> Bitmap {
        let mut held = Bitmap::default();
        for index in self.parts.keys() {
            held.insert(*index);
        }
        held
    }

    /// The parts that are here, one after another: the message if it
    /// [is complete](Self::is_complete).
    #[must_use]
    pub fn join(self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.bytes);
        for part in self.parts.into_values() {
            whole.extend_from_slice(&part);
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_in_their_order_whatever_order_they_came_in() {
        let mut fragments = Fragments::new(3).expect("a good count");
        assert_eq!(fragments.insert(2, 3, b"c"), Ok(Inserted::New));
        assert_eq!(fragments.insert(0, 3, b"a"), Ok(Inserted::New));
        assert_eq!(fragments.held().iter().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(fragments.insert(0, 3, b"x"), Ok(Inserted::Duplicate));
        assert_eq!(fragments.insert(1, 3, b"b"), Ok(Inserted::Complete));
        assert_eq!(fragments.insert(1, 3, b"b"), Ok(Inserted::Duplicate));
        assert_eq!(fragments.join(), b"abc");
    }

    #[test]
    fn what_does_not_agree_is_refused() {
        let refused = Err(DropReason::UnknownMessage);
        assert!(Fragments::new(0).is_err() && Fragments::new(MAX_FRAGMENTS + 1).is_err());
        let mut fragments = Fragments::new(2).expect("a good count");
        assert_eq!(fragments.insert(0, 3, b"a"), refused);
        assert_eq!(fragments.insert(2, 2, b"a"), refused);
        assert_eq!(fragments.insert(0, 2, b""), refused);
        assert_eq!(fragments.cost(), 0, "nothing of it was kept");
    }
}
