//! What waits on an impaired link.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng;

use super::Impairment;
use crate::DropReason;

/// A link with impairments: what goes in with [`handle`](Self::handle) comes out of
/// [`poll_due`](Self::poll_due) later, or not at all.
///
/// Several impairments add up as links in a row would: each may lose the packet, each adds its
/// latency and jitter, and the narrowest bandwidth is that of all. In this order: a packet may be
/// lost; then it waits until those before it are through the bandwidth, and takes its own time for
/// that; then come latency and jitter.
///
/// It keeps the order, as a link over TCP does: nothing comes out before what went in before it,
/// so one slow packet holds up those behind it, and draws that vary much come out longer on
/// average than they were drawn.
///
/// At most `bound` items wait, and those that are to wait for bandwidth longer than
/// [`MAX_BACKLOG`](Self::MAX_BACKLOG) are refused.
#[derive(Clone, Debug)]
pub struct Impaired<T> {
    impairments: Arc<[Impairment]>,
    bound: usize,
    waiting: VecDeque<(Instant, T)>,
    /// When all that went in will be through the bandwidth.
    through: Option<Instant>,
}

impl<T> Impaired<T> {
    /// How far a link may be behind for want of bandwidth: what waits longer has been sent again.
    pub const MAX_BACKLOG: Duration = Duration::from_secs(5);

    /// An empty link with these impairments, none for one that is as it is. At most `bound` items
    /// wait at a time.
    #[must_use]
    pub fn new(impairments: impl Into<Arc<[Impairment]>>, bound: usize) -> Self {
        Self { impairments: impairments.into(), bound, waiting: VecDeque::new(), through: None }
    }

    /// From now on it has these impairments. What waits comes out when it was to.
    pub fn handle_change(&mut self, impairments: impl Into<Arc<[Impairment]>>) {
        self.impairments = impairments.into();
    }

    /// Takes an item of `bytes` bytes, or gives it back with the reason to drop it: `impaired` if
    /// an impairment took it, `link_queue_full` if too much waits.
    pub fn handle<R: Rng + ?Sized>(
        &mut self,
        item: T,
        bytes: usize,
        now: Instant,
        rng: &mut R,
    ) -> Result<(), (T, DropReason)> {
        // All are asked: what one packet draws then does not depend on another's fate.
        if self.impairments.iter().fold(false, |taken, link| link.takes(rng) | taken) {
            return Err((item, DropReason::Impaired));
        }
        let begins = self.through.map_or(now, |through| through.max(now));
        if self.waiting.len() >= self.bound || begins - now > Self::MAX_BACKLOG {
            return Err((item, DropReason::LinkQueueFull));
        }
        let through = later(begins, self.transmission(bytes));
        self.through = Some(through);
        let delay = self.impairments.iter().map(|link| link.delay(rng)).sum();
        let due = later(through, delay);
        let due = self.waiting.back().map_or(due, |(last, _)| due.max(*last));
        self.waiting.push_back((due, item));
        Ok(())
    }

    /// The next item that is through by `now`; call it until there is none.
    pub fn poll_due(&mut self, now: Instant) -> Option<T> {
        self.next_due().filter(|due| *due <= now)?;
        self.waiting.pop_front().map(|(_, item)| item)
    }

    /// When the next item is through; `None` if none waits.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, _)| *due)
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether what is handed in would come out at once: nothing impairs the link or waits on it.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.waiting.is_empty() && self.impairments.iter().all(Impairment::is_none)
    }

    /// Takes out all that waits, in order, due or not.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.waiting.drain(..).map(|(_, item)| item)
    }

    /// How long the narrowest bandwidth takes for this.
    fn transmission(&self, bytes: usize) -> Duration {
        let narrowest = self.impairments.iter().filter_map(|link| link.bandwidth).min();
        narrowest.map_or(Duration::ZERO, |bandwidth| {
            let bytes = u128::try_from(bytes).unwrap_or(u128::MAX);
            let nanos = bytes.saturating_mul(1_000_000_000) / u128::from(bandwidth.max(1));
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        })
    }
}

/// `from` and `delay`; `from` if no clock goes that far.
fn later(from: Instant, delay: Duration) -> Instant {
    from.checked_add(delay).unwrap_or(from)
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
