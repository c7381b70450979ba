//! Whether a node can remember all the packets that it may see while their keys are good.

use std::time::Duration;

use mixbed_directory::Parameters;
use mixbed_telemetry::{Condition, NodeMetrics};
use mixbed_wire::ReplayFilter;

use crate::packets::ReplayRoom;

/// What one worker unwraps in a second at most, at 125 µs each.
const UNWRAPS_A_SECOND: u128 = 8_000;

/// How often to look. A full memory fills by a packet at a time, so nothing is missed but for this.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// Says when a node's memory of packets fills, and when it is too small from the start.
pub(crate) struct ReplayWatch {
    node: String,
    workers: usize,
    metrics: NodeMetrics,
    condition: Condition,
    level: Level,
    enough: bool,
}

/// How full the memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Less than four fifths.
    Easy,
    Filling,
    /// Each new packet is dropped as `replay_filter_full`.
    Full,
}

impl Level {
    fn of(used: usize, bound: usize) -> Self {
        match used {
            _ if used >= bound => Self::Full,
            _ if used as u128 * 5 >= bound as u128 * 4 => Self::Filling,
            _ => Self::Easy,
        }
    }
}

/// Packets that `workers` threads can unwrap while their keys are good: those of an epoch, and of
/// the epochs before it whose keys still are.
fn most_packets(workers: usize, parameters: &Parameters) -> u128 {
    let epochs = 1 + u128::from(parameters.key_grace());
    let a_second = UNWRAPS_A_SECOND * workers as u128;
    a_second * parameters.epoch_length.as_millis() * epochs / 1_000
}

impl ReplayWatch {
    pub(crate) fn new(
        node: String,
        workers: usize,
        metrics: NodeMetrics,
        condition: Condition,
    ) -> Self {
        condition.met();
        Self { node, workers, metrics, condition, level: Level::Easy, enough: true }
    }

    /// The network's parameters are these now.
    pub(crate) fn handle_parameters(&mut self, parameters: &Parameters, room: &ReplayRoom) {
        let (most, bound) = (most_packets(self.workers, parameters), room.bound());
        let enough = most <= bound as u128;
        if self.enough && !enough {
            let seconds = most / (UNWRAPS_A_SECOND * self.workers as u128).max(1);
            tracing::warn!(
                node = self.node,
                replay_tags = bound,
                "at its full rate this node unwraps {most} packets in the {seconds} s that their \
                 keys are good, and remembers {bound}: under such a load for so long it drops new \
                 ones as replay_filter_full; raise replay_tags ({} bytes each), or shorten epochs",
                ReplayFilter::MAX_BYTES_A_TAG,
            );
        }
        self.enough = enough;
    }

    /// Looks how full it is.
    pub(crate) fn look(&mut self, room: &ReplayRoom) {
        let (used, bound) = (room.used(), room.bound());
        self.metrics.replay_tags.set(i64::try_from(used).unwrap_or(i64::MAX));
        self.metrics.replay_tags_bound.set(i64::try_from(bound).unwrap_or(i64::MAX));
        let level = Level::of(used, bound);
        if level == self.level {
            return;
        }
        self.level = level;
        let node = &self.node;
        match level {
            Level::Easy => tracing::info!(node, used, bound, "room for packets to remember again"),
            Level::Filling => {
                tracing::warn!(node, used, bound, "four fifths of the replay memory are in use");
            }
            Level::Full => tracing::error!(node, used, bound, "the replay memory is full"),
        }
        if level == Level::Full {
            self.condition.unmet(format!(
                "the memory of {bound} packets is full: new ones are dropped as \
                 replay_filter_full until the oldest key is erased; raise replay_tags"
            ));
        } else {
            self.condition.met();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        let level = |used| Level::of(used, 10);
        assert_eq!([0, 7].map(level), [Level::Easy; 2]);
        assert_eq!([8, 9].map(level), [Level::Filling; 2]);
        assert_eq!([10, 11].map(level), [Level::Full; 2]);
    }

    #[test]
    fn two_cores_and_usual_epochs_fit_in_what_is_usual() {
        let usual = Parameters::default();
        assert_eq!(most_packets(2, &usual), 19_200_000);
        assert!(most_packets(2, &usual) <= crate::Limits::default().replay_tags as u128);
        let short = Parameters { epoch_length: Duration::from_secs(1), ..usual };
        assert_eq!(most_packets(1, &short), 32_000, "three of grace");
    }
}
