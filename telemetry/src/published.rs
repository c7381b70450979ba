//! How often what is counted is told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::Telemetry;

/// How far apart the moments are at which `/metrics` changes.
///
/// Two readings a few milliseconds apart would tell which packets a node took and passed on in between:
/// whoever reads the metrics of all nodes would see each packet's way. So what others may read changes in
/// steps that hold the packets of many senders, at moments that no reader chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(Duration);

impl Step {
    /// Each reading is of now: where nobody reads but whose packets they all are.
    pub const LIVE: Self = Self(Duration::ZERO);

    /// Steps of this length; none is [`Step::LIVE`].
    #[must_use]
    pub fn of(length: Duration) -> Self {
        Self(length)
    }
}

/// The text of `/metrics`.
#[derive(Clone, Debug)]
pub(crate) enum Published {
    Live(Telemetry),
    InSteps(watch::Receiver<Arc<str>>),
}

impl Published {
    /// Begins the steps; they go on for as long as somebody may read. Needs a tokio runtime if there are
    /// any.
    pub(crate) fn start(telemetry: Telemetry, Step(length): Step) -> Self {
        if length.is_zero() {
            return Self::Live(telemetry);
        }
        let (sender, receiver) = watch::channel(Arc::from(telemetry.metrics_text()));
        tokio::spawn(async move {
            let mut steps = interval_at(Instant::now() + length, length);
            steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = sender.closed() => return,
                    _ = steps.tick() => {
                        sender.send_replace(Arc::from(telemetry.metrics_text()));
                    }
                }
            }
        });
        Self::InSteps(receiver)
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Live(telemetry) => telemetry.metrics_text(),
            Self::InSteps(receiver) => receiver.borrow().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeMetrics;

    #[tokio::test(start_paused = true)]
    async fn what_is_counted_shows_at_the_next_step_and_not_before() {
        let telemetry = Telemetry::disabled();
        let metrics = NodeMetrics::new(&telemetry, "mix-1-0", "mix", &[]);
        let step = Duration::from_secs(15);
        let published = Published::start(telemetry.clone(), Step::of(step));
        let live = Published::start(telemetry, Step::LIVE);
        let one = r#"mixbed_packets_received_total{node="mix-1-0",role="mix"} 1"#;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let before = published.text();
        metrics.packets_received.inc();
        assert!(live.text().contains(one));
        assert_eq!(published.text(), before, "two readings with a packet between them");
        tokio::time::sleep(Duration::from_millis(9_900)).await;
        assert_eq!(published.text(), before, "nor much later");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(published.text().contains(one));
    }

    #[tokio::test(start_paused = true)]
    async fn the_steps_end_with_those_who_read() {
        let published = Published::start(Telemetry::disabled(), Step::of(Duration::from_secs(1)));
        let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = alive();
        drop(published);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(alive(), before - 1);
    }
}
