//! Reply blocks that are sent before it is known that they are needed.

use std::collections::BTreeSet;

use mixbed_wire::message::MAX_ANSWER_DATA;

/// The most parts of a response that blocks are sent ahead for: as many as a provider keeps.
const MOST: usize = 63;

/// The parts of an expected response that no fragment's block brings, and which of them no block was
/// sent for yet.
///
/// A response of *k* parts needs *k* reply blocks. The first is there with the request; asking for
/// the others when the first part has come takes a round trip more. So whoever knows about how long
/// the response will be lets them follow the request at once. What was not needed costs a sixth of
/// a packet a part.
#[derive(Clone, Debug, Default)]
pub(super) struct Supply {
    parts: u16,
    unsent: BTreeSet<u16>,
}

impl Supply {
    /// For a response of so many bytes.
    pub(super) fn of(expected: usize) -> Self {
        // One more is the response's status.
        let parts = expected.saturating_add(1).div_ceil(MAX_ANSWER_DATA);
        let parts = u16::try_from(parts.saturating_sub(1).min(MOST)).unwrap_or_default();
        Self { parts, unsent: (1..=parts).collect() }
    }

    /// The parts that the next packet is to bring blocks for, `most` of them at most.
    pub(super) fn next(&mut self, most: usize) -> Option<Vec<u16>> {
        let parts: Vec<_> = std::iter::from_fn(|| self.unsent.pop_first()).take(most).collect();
        (!parts.is_empty()).then_some(parts)
    }

    /// What [`next`](Self::next) gave was not sent.
    pub(super) fn handle_unsent(&mut self, parts: &[u16]) {
        self.unsent.extend(parts);
    }

    /// The provider has forgotten everything.
    pub(super) fn restart(&mut self) {
        self.unsent = (1..=self.parts).collect();
    }
}
