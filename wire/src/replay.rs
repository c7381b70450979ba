//! The memory that makes a packet pass only once.

use std::collections::HashSet;

use crate::{DropReason, ReplayTag};

/// The replay tags seen under one packet key, exactly (no false positive), up to a bound.
///
/// It lives as long as its key. Bytes: about 17 to 39 a tag (a hash set of 16-byte entries, 7/16
/// to 7/8 full, and a byte of metadata each), on demand.
#[derive(Debug)]
pub struct ReplayFilter {
    seen: HashSet<ReplayTag>,
    bound: usize,
}

impl ReplayFilter {
    /// An empty filter that remembers at most `bound` tags.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self { seen: HashSet::new(), bound }
    }

    /// Lets a tag pass once.
    ///
    /// # Errors
    /// [`DropReason::Replayed`] from the second time on; [`DropReason::ReplayFilterFull`] when a
    /// new tag could not be remembered.
    pub fn pass(&mut self, tag: ReplayTag) -> Result<(), DropReason> {
        if self.seen.contains(&tag) {
            return Err(DropReason::Replayed);
        }
        if self.seen.len() >= self.bound {
            return Err(DropReason::ReplayFilterFull);
        }
        self.seen.insert(tag);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
    }
}
