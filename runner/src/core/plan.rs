//! What is wanted of a run.

use std::time::Duration;

/// The most transactions that are on their way through the mixnet at a time: the client takes 64
/// messages.
const WINDOW: usize = 48;

/// The fewest and the most transactions that are made ahead of their time: what is made is written
/// down with its bytes, 3 KB each.
const AHEAD: (u128, u128) = (8, 160);

/// Made ahead: for so long a time.
const AHEAD_TIME: Duration = Duration::from_secs(3);

/// What is wanted of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many transactions.
    pub wanted: u32,
    /// The time from one's order to the next one's.
    pub interval: Duration,
    /// How long the whole run may take; for words only.
    pub deadline: Duration,
    /// When it has to be over, since the Unix epoch.
    pub until: Duration,
    /// The most transactions on their way at a time.
    pub window: usize,
}

impl Plan {
    /// So many, one each `interval`, within `deadline` from `began` on.
    #[must_use]
    pub fn new(wanted: u32, interval: Duration, began: Duration, deadline: Duration) -> Self {
        let until = began.saturating_add(deadline);
        Self { wanted, interval, deadline, until, window: WINDOW }
    }

    /// How many transactions are to be ready before their time, if making one takes `making`: what
    /// is made has to be written down before it is sent, which may take a second; and a wallet that
    /// is slower than the rate has to begin early.
    #[must_use]
    pub fn ahead(&self, making: Duration) -> usize {
        let (fewest, most) = AHEAD;
        let in_time = AHEAD_TIME.as_millis() / self.interval.as_millis().max(1);
        let ahead = if making > self.interval { most } else { in_time.clamp(fewest, most) };
        usize::try_from(ahead).unwrap_or(1)
    }

    /// Whether the rate will hold if sending begins now, with `made` ready and `missing` to be made.
    #[must_use]
    pub fn may_begin(&self, made: usize, missing: u32, making: Option<Duration>) -> bool {
        let Some(making) = making else { return missing == 0 };
        let sending = self.interval * u32::try_from(made).unwrap_or(u32::MAX);
        made >= self.ahead(making) || making * missing <= sending
    }
}
