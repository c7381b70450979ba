//! How many reply blocks the provider should have.

use std::time::{Duration, Instant};

use crate::{client::estimates::Share, reply::MAX_REPLY_FRAMES};

/// The blocks that a provider has for what nobody knows of yet, while something goes on.
const BASE: usize = 6;

/// The same while streams are open and nothing goes on.
const QUIET: usize = 3;

/// The most blocks for what nobody knows of yet: for the first 86 KB of an answer.
const MAX_BASE: usize = 32;

/// What was needed at once is expected again for about so long.
const HABIT: Duration = Duration::from_secs(60);

/// What the provider said last.
#[derive(Clone, Copy, Debug)]
struct Report {
    /// Replies that it would send if it had the blocks.
    waiting: usize,
    /// Blocks that it had left.
    held: usize,
}

/// What is known of the provider's need and stock.
#[derive(Debug)]
pub(super) struct Stock {
    most: usize,
    report: Option<Report>,
    /// So many replies waited at once, at a time.
    burst: (usize, Instant),
}

impl Stock {
    pub(super) fn new(most: usize, now: Instant) -> Self {
        Self { most, report: None, burst: (0, now) }
    }

    /// The latest reply says that so many bytes wait, and so many blocks are left.
    pub(super) fn report(&mut self, bytes: u64, blocks: u64, now: Instant) {
        let waiting = usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(MAX_REPLY_FRAMES - 64);
        let held = usize::try_from(blocks).unwrap_or(usize::MAX);
        self.report = Some(Report { waiting: waiting.min(self.most), held });
        // One was sent just now.
        let burst = (waiting + 1).min(MAX_BASE);
        if burst >= self.usual(now) {
            self.burst = (burst, now);
        }
    }

    /// So many replies were lost: the provider will have them to send again.
    pub(super) fn lost(&mut self, replies: usize) {
        if let Some(report) = &mut self.report {
            report.waiting = (report.waiting + replies).min(self.most);
        }
    }

    fn usual(&self, now: Instant) -> usize {
        let (burst, at) = self.burst;
        let halvings = now.saturating_duration_since(at).as_secs() / HABIT.as_secs();
        burst >> halvings.min(16)
    }

    /// Blocks that the provider should have and has not, while so many packets are under way. Of
    /// those given, so many arrived at most, and so many may still. The shares are of packets that
    /// arrive and of replies that come back.
    pub(super) fn lacks(
        &self,
        quiet: bool,
        packets: usize,
        (there, under_way): (usize, usize),
        (arrive, back): (Share, Share),
        now: Instant,
    ) -> usize {
        // Of those that are given some are lost, and of the replies that are made with them too.
        let round = arrive.value() * back.value();
        let acks = share_of(BASE + packets / 32, 1.0 / round);
        let base = if quiet { QUIET } else { self.usual(now).max(acks).clamp(BASE, MAX_BASE) };
        let (waiting, held) =
            self.report.map_or((0, there), |report| (report.waiting, report.held.min(there)));
        let target = (base + waiting).min(self.most);
        let coming = share_of(under_way, arrive.value());
        // No more out at once than may be, whatever their share that arrives.
        target.saturating_sub(held + coming).min(self.most.saturating_sub(held + under_way))
    }

    pub(super) fn held(&self) -> Option<usize> {
        self.report.map(|report| report.held)
    }
}

/// A share of a few thousand, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a few thousand"
)]
fn share_of(count: usize, share: f64) -> usize {
    (count as f64 * share).ceil() as usize
}
