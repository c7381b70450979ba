//! Whether the gateway is still there, told by what does not come back.

use std::time::Instant;

use super::Loss;

/// How many losses in a row are too many. Their margins take some seconds together, and
/// a single lost packet or a slow service does not cost a link.
const TOO_MANY: u32 = 3;

/// Counts losses since anything has come. Packets sent together and lost together are one loss:
/// only what was sent after the last one says anything new. And where packets are lost by chance,
/// as many may be in a row as chance explains.
#[derive(Clone, Debug, Default)]
pub struct Silence {
    losses: u32,
    since: Option<Instant>,
    /// All packets lost, together or not.
    packets: u32,
    /// So many may be lost by chance: measured when something came last.
    by_chance: f64,
}

impl Silence {
    /// Something came over the link, or the link is new.
    pub fn handle_arrival(&mut self, loss: &Loss, now: Instant) {
        let by_chance = loss.longest_run();
        *self = Self { losses: 0, since: Some(now), packets: 0, by_chance };
    }

    /// A packet that was sent at `sent_at` was not answered in time.
    pub(super) fn handle_lost(&mut self, sent_at: Instant, now: Instant) {
        self.packets = self.packets.saturating_add(1);
        if self.since.is_none_or(|since| sent_at >= since) {
            self.losses += 1;
            self.since = Some(now);
        }
    }

    /// Whether it has lasted too long for a gateway that works.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.losses >= TOO_MANY && f64::from(self.packets) >= self.by_chance
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time to begin at")]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_losses_one_after_another_count_and_any_arrival_ends_them() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::default();
        silence.handle_arrival(&Loss::default(), at(0));
        for _ in 0..32 {
            silence.handle_lost(at(0), at(1));
        }
        silence.handle_lost(at(1), at(3));
        assert!(!silence.is_too_long(), "one burst and one more");
        silence.handle_arrival(&Loss::default(), at(4));
        silence.handle_lost(at(3), at(7));
        silence.handle_lost(at(7), at(8));
        silence.handle_lost(at(8), at(9));
        assert!(!silence.is_too_long(), "the first was sent before something came");
        silence.handle_lost(at(9), at(10));
        assert!(silence.is_too_long());
    }
    #[test]
    fn where_most_packets_are_lost_by_chance_more_must_be_missing() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut loss = Loss::default();
        for _ in 0..100 {
            loss.handle_lost();
        }
        let mut silence = Silence::default();
        loss.handle_answered();
        silence.handle_arrival(&loss, at(0));
        let enough = (0..1000).find(|second| {
            silence.handle_lost(at(*second), at(second + 1));
            silence.is_too_long()
        });
        assert!(enough.is_some_and(|enough| (40..80).contains(&enough)), "{enough:?}");
    }
}
