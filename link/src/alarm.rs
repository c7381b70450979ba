//! Waiting for a moment, exactly.

use std::time::Instant;

use async_io::Timer;

/// A clock to wait for one moment after another, some 50 µs late at most on a quiet machine.
///
/// tokio's own timer counts whole milliseconds and rounds up: every wait is a millisecond too long in the
/// mean. What is to be exponential would not be, and a hop would hold packets longer than asked.
#[derive(Debug)]
pub struct Alarm {
    timer: Timer,
    /// For when the timer is set.
    set: Option<Instant>,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { timer: Timer::never(), set: None }
    }
}

impl Alarm {
    /// Waits until `due`, or for ever without one. It may be cancelled and called again, with the same
    /// moment or another.
    pub async fn until(&mut self, due: Option<Instant>) {
        let Some(due) = due else { return std::future::pending().await };
        if due <= Instant::now() {
            // As any other wait: whoever is behind does not keep others from their turn.
            return tokio::task::consume_budget().await;
        }
        // Setting it costs more than waiting on.
        if self.set != Some(due) {
            self.timer.set_at(due);
            self.set = Some(due);
        }
        (&mut self.timer).await;
        self.set = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_millis(3);
    const FAR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn it_is_never_early_and_takes_another_moment_at_any_time() {
        let mut alarm = Alarm::default();
        let begin = Instant::now();
        for number in 1..=10 {
            // Cancelled, as in a `select!` in which something else comes first.
            for due in [begin + FAR, begin + number * SOON] {
                let mut wait = std::pin::pin!(alarm.until(Some(due)));
                assert!(futures::poll!(wait.as_mut()).is_pending() || due <= Instant::now());
            }
            alarm.until(Some(begin + number * SOON)).await;
            assert!(Instant::now() >= begin + number * SOON);
            alarm.until(Some(begin)).await;
        }
        assert!(begin.elapsed() < FAR);
        assert!(futures::poll!(std::pin::pin!(alarm.until(None))).is_pending());
    }
}
