//! Which epoch a document is of, by what came before it and by a clock.

use std::time::{Duration, SystemTime};

use crate::authority::Epochs;
use crate::document::Document;
use crate::limits::TOLERATED_SKEW;

/// Why the next document has the epoch that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It is still the last document's.
    Same(Epochs),
    /// That is over.
    Next(Epochs),
    /// There is none before it, or that one begins in the future, as the clocks were ahead: an
    /// epoch of this number begins when the ballots were made.
    Anew { number: u64 },
}

/// The epoch of the document after `base`, at a time.
pub(super) fn due(base: Option<&Document>, now: SystemTime) -> Due {
    let Some(base) = base else { return Due::Anew { number: 1 } };
    if base.valid_from.duration_since(now).is_ok_and(|ahead| ahead > TOLERATED_SKEW) {
        return Due::Anew { number: base.epoch.saturating_add(1) };
    }
    let mut epochs = epochs_of(base);
    if epochs.advance(now) { Due::Next(epochs) } else { Due::Same(epochs) }
}

/// A document's epoch.
pub(super) fn epochs_of(document: &Document) -> Epochs {
    Epochs {
        number: document.epoch,
        start: document.valid_from,
        end: document.epoch_end,
        length: document.parameters.epoch_length,
    }
}

/// What a clock says of the epoch that somebody proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is the one.
    Now(Epochs),
    /// It will be, soon.
    Early { until: SystemTime },
    /// It is not.
    Wrong,
}

/// Whether it is time for a document of an epoch with this start. `median` is that of the times of
/// the ballots that it is made of, and `length` how long an epoch is that begins anew.
pub(super) fn judge(
    base: Option<&Document>,
    epoch: u64,
    start: SystemTime,
    median: Option<SystemTime>,
    length: Duration,
    now: SystemTime,
) -> Turn {
    let is = |epochs: &Epochs| (epochs.number, epochs.start) == (epoch, start);
    match (due(base, now), base) {
        (Due::Same(epochs) | Due::Next(epochs), _) if is(&epochs) => Turn::Now(epochs),
        // The clocks of those who propose are behind, by no more than is tolerated.
        (Due::Next(_), Some(base))
            if is(&epochs_of(base)) && now <= base.epoch_end + TOLERATED_SKEW =>
        {
            Turn::Now(epochs_of(base))
        }
        (Due::Same(_) | Due::Next(_), Some(base)) => {
            let later = due(Some(base), start);
            match (later, start.duration_since(now)) {
                (Due::Next(epochs), Ok(early)) if is(&epochs) && early <= TOLERATED_SKEW => {
                    Turn::Early { until: start }
                }
                _ => Turn::Wrong,
            }
        }
        (Due::Anew { number }, _) => {
            let near = |median: SystemTime| {
                let apart = now.duration_since(median).or_else(|_| median.duration_since(now));
                apart.is_ok_and(|apart| apart <= TOLERATED_SKEW)
            };
            if number == epoch && median == Some(start) && near(start) {
                Turn::Now(Epochs { number, start, end: start + length, length })
            } else {
                Turn::Wrong
            }
        }
        _ => Turn::Wrong,
    }
}

/// The time in the middle; of two, the later one.
pub(super) fn median(mut times: Vec<SystemTime>) -> Option<SystemTime> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}
