//! Which epoch it is between documents, and how long packet keys are good.

use std::time::{Duration, SystemTime};

use super::{Document, Parameters};
use crate::limits::KEYS_AHEAD;

/// Mean delays of a hop that a packet and the answer by its reply block may take together. They
/// are held ten times: all ten delays together are longer than this once in 10⁵ times.
const MEAN_DELAYS: u32 = 30;

/// What a packet and its answer may take besides: links, queues, the service.
const BESIDES: Duration = Duration::from_secs(10);

impl Document {
    /// The epoch that it is at a time of the directory's clock, as far as this document knows: its
    /// own until that ends, then those after it by their length, to the last one that it may be
    /// used in. Never an earlier one than its own.
    #[must_use]
    pub fn epoch_at(&self, now: SystemTime) -> u64 {
        let Ok(past_end) = now.duration_since(self.epoch_end) else {
            return self.epoch;
        };
        let length = self.parameters.epoch_length.as_millis().max(1);
        let further = u64::try_from(past_end.as_millis() / length).unwrap_or(KEYS_AHEAD);
        self.epoch.saturating_add(further.saturating_add(1).min(KEYS_AHEAD))
    }

    /// When the epoch after [`epoch_at`](Self::epoch_at) begins by the directory's clock; nothing
    /// if the document is too old to say.
    #[must_use]
    pub fn next_epoch_at(&self, now: SystemTime) -> Option<SystemTime> {
        let further = self.epoch_at(now) - self.epoch;
        if further >= KEYS_AHEAD {
            return None;
        }
        let lengths = self.parameters.epoch_length.checked_mul(u32::try_from(further).ok()?)?;
        self.epoch_end.checked_add(lengths)
    }
}

impl Parameters {
    /// How many epochs after its own a packet key is good, one to three: as many as a packet and
    /// its answer may take together, so that a reply block of an epoch's last moment still works.
    #[must_use]
    pub fn key_grace(&self) -> u64 {
        let way = BESIDES.saturating_add(self.mean_hop_delay.saturating_mul(MEAN_DELAYS));
        let epochs = way.as_millis().div_ceil(self.epoch_length.as_millis().max(1));
        u64::try_from(epochs).unwrap_or(KEYS_AHEAD).clamp(1, KEYS_AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tests::{HOUR, document, start};

    #[test]
    fn epochs_go_on_by_the_clock_as_long_as_the_document_may_be_used() {
        let hours = Parameters { epoch_length: HOUR, ..Parameters::default() };
        let document = Document { parameters: hours, ..document() };
        let at = |minutes: u64| start() + Duration::from_secs(60 * minutes);
        let epochs = [0, 59, 60, 119, 120, 180, 239, 240, 10_000];
        assert_eq!(epochs.map(|m| document.epoch_at(at(m))), [7, 7, 8, 8, 9, 10, 10, 10, 10]);
        assert_eq!(document.epoch_at(start() - HOUR), 7, "never back");
        let next = |minutes| document.next_epoch_at(at(minutes));
        assert_eq!([0, 60, 179].map(next), [60, 120, 180].map(|m| Some(at(m))));
        assert_eq!([180, 300].map(next), [None, None]);
    }

    #[test]
    fn keys_are_good_for_as_long_as_answers_take() {
        let grace = |epoch, delay| {
            let (epoch_length, mean_hop_delay) =
                (Duration::from_secs(epoch), Duration::from_millis(delay));
            Parameters { mean_hop_delay, epoch_length, ..Parameters::default() }.key_grace()
        };
        assert_eq!(Parameters::default().key_grace(), 1);
        assert_eq!([grace(1, 50), grace(5, 50), grace(6, 50), grace(12, 50)], [3, 3, 2, 1]);
        assert_eq!([grace(600, 60_000), grace(86_400, 60_000)], [3, 1]);
    }
}
