//! What went through the mixnet.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What an endpoint has sent through the mixnet so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RpcReadings {
    /// Requests that were answered, submissions included.
    pub answered: u64,
    /// The sum of what their last packets were to be held, there and back, as it was drawn.
    pub mixing_delay: Duration,
}

/// Counts it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<RpcReadings>>);

impl Tally {
    pub(super) fn handle_answered(&self, mixing_delay: Duration) {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.answered += 1;
        readings.mixing_delay += mixing_delay;
    }

    pub(super) fn readings(&self) -> RpcReadings {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
