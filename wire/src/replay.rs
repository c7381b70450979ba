//! The memory that makes a packet pass only once.

use std::hash::{BuildHasher, RandomState};

use crate::{DropReason, ReplayTag};

/// What stands in a slot that holds no tag.
const EMPTY: ReplayTag = [0; 16];

/// The replay tags seen under one packet key, exactly up to a bound.
///
/// It lives as long as its key. A flat table with linear probing, at most four fifths full: the
/// tags are all that it keeps, and on demand. It grows by a quarter, and as tags keep their order
/// in the larger table, that is one pass over both.
///
/// Tags are 16 bytes of a hash, so a packet is taken for another one by chance with a probability
/// of n / 2¹²⁸ after n packets: in ten million packets, once in 10²⁵ keys.
#[derive(Debug)]
pub struct ReplayFilter {
    slots: Vec<ReplayTag>,
    len: usize,
    bound: usize,
    /// Whether the tag that looks like an empty slot was seen.
    zero: bool,
    /// Senders choose tags: without these they cannot choose places.
    seeds: [u64; 2],
}

impl ReplayFilter {
    /// The most bytes that a tag takes, once there are a few; just before growth it is 20.
    pub const MAX_BYTES_A_TAG: usize = 25;

    /// An empty filter that remembers at most `bound` tags.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        let random = RandomState::new();
        let seeds = [random.hash_one(0), random.hash_one(1)];
        Self { slots: Vec::new(), len: 0, bound, zero: false, seeds }
    }

    /// Lets a tag pass once.
    ///
    /// # Errors
    /// [`DropReason::Replayed`] from the second time on; [`DropReason::ReplayFilterFull`] when a
    /// new tag could not be remembered.
    pub fn pass(&mut self, tag: ReplayTag) -> Result<(), DropReason> {
        let mut place = self.find(&tag);
        if place == Place::Seen {
            return Err(DropReason::Replayed);
        }
        if self.len >= self.bound {
            return Err(DropReason::ReplayFilterFull);
        }
        if (self.len + 1) * 5 > self.slots.len() * 4 {
            self.grow();
            place = self.find(&tag);
        }
        match place {
            Place::Free(at) => self.slots[at] = tag,
            Place::Zero | Place::Seen => self.zero = true,
        }
        self.len += 1;
        Ok(())
    }

    /// Whether the tag has passed.
    #[must_use]
    pub fn contains(&self, tag: &ReplayTag) -> bool {
        self.find(tag) == Place::Seen
    }

    /// How many tags have passed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none has.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that its table takes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.slots.len() * size_of::<ReplayTag>()
    }

    fn find(&self, tag: &ReplayTag) -> Place {
        if *tag == EMPTY {
            return if self.zero { Place::Seen } else { Place::Zero };
        }
        if self.slots.is_empty() {
            return Place::Free(0); // grown before it is used
        }
        let mut at = self.home(tag);
        loop {
            match &self.slots[at] {
                slot if slot == tag => return Place::Seen,
                &EMPTY => return Place::Free(at),
                _ => at = self.after(at),
            }
        }
    }

    /// Where the search for a tag begins: a number that rises with the tag's hash, whatever the
    /// table's length.
    fn home(&self, tag: &ReplayTag) -> usize {
        let [left, right] = self.seeds;
        let number = u128::from_le_bytes(*tag);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves are meant")]
        let (low, high) = (number as u64 ^ left, (number >> 64) as u64 ^ right);
        let product = u128::from(low) * u128::from(high);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves are meant")]
        let hash = (product as u64) ^ ((product >> 64) as u64);
        // At most `slots.len() - 1`.
        usize::try_from((u128::from(hash) * self.slots.len() as u128) >> 64).unwrap_or(0)
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }

    fn grow(&mut self) {
        let length = (self.slots.len() + self.slots.len() / 4).max(16);
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; length]);
        for tag in old.into_iter().filter(|slot| *slot != EMPTY) {
            if let Place::Free(at) = self.find(&tag) {
                self.slots[at] = tag;
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Seen,
    /// It can be put there.
    Free(usize),
    /// It needs no place.
    Zero,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tag_passes_once() {
        let mut filter = ReplayFilter::new(2);
        assert_eq!(filter.pass([1; 16]), Ok(()));
        assert_eq!(filter.pass([1; 16]), Err(DropReason::Replayed));
        assert_eq!(filter.pass([2; 16]), Ok(()));
    }

    #[test]
    fn a_full_filter_sheds_and_still_knows_what_it_saw() {
        let mut filter = ReplayFilter::new(1);
        assert_eq!(filter.pass([1; 16]), Ok(()));
        assert_eq!(filter.pass([2; 16]), Err(DropReason::ReplayFilterFull));
        assert_eq!(filter.pass([1; 16]), Err(DropReason::Replayed));
        assert_eq!(ReplayFilter::new(0).pass([0; 16]), Err(DropReason::ReplayFilterFull));
    }

    /// The tag of a number: a hash, as real ones are.
    fn tag(number: u64) -> ReplayTag {
        use sha2::Digest;
        let mut tag = [0; 16];
        tag.copy_from_slice(&sha2::Sha256::digest(number.to_le_bytes())[..16]);
        tag
    }

    #[test]
    fn each_of_many_passes_once_in_the_bytes_that_are_promised() {
        let mut filter = ReplayFilter::new(usize::MAX);
        for number in 0..50_000 {
            assert!(!filter.contains(&tag(number)));
            assert_eq!(filter.pass(tag(number)), Ok(()), "{number}");
            let bytes = filter.bytes();
            let bound = filter.len() * ReplayFilter::MAX_BYTES_A_TAG;
            assert!(number < 100 || bytes <= bound, "{bytes} for {number}");
        }
        for number in 0..50_000 {
            assert_eq!(filter.pass(tag(number)), Err(DropReason::Replayed), "{number}");
        }
        assert_eq!(filter.len(), 50_000);
    }

    proptest! {
        /// Against a set, with tags that are no hashes: few bits differ, and none may be set.
        #[test]
        fn it_is_a_set_with_a_bound(
            tags in proptest::collection::vec((0..64_u8, 0..16_usize), 0..400),
            bound in 0..200_usize,
        ) {
            let (mut filter, mut model) = (ReplayFilter::new(bound), HashSet::new());
            for (value, at) in tags {
                let mut tag = EMPTY;
                tag[at] = value;
                let expected = match () {
                    () if model.contains(&tag) => Err(DropReason::Replayed),
                    () if model.len() >= bound => Err(DropReason::ReplayFilterFull),
                    () => Ok(()),
                };
                prop_assert_eq!(filter.pass(tag), expected);
                if expected.is_ok() {
                    model.insert(tag);
                }
                prop_assert_eq!(filter.len(), model.len());
                prop_assert_eq!(filter.contains(&tag), model.contains(&tag));
            }
        }
    }
}
