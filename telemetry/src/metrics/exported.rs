//! What became of exported spans.

use super::{Counter, Owner, catalogue};

/// Counters of the way to the trace collector.
#[derive(Clone, Debug)]
pub(crate) struct Exported {
    pub(crate) sent: Counter,
    pub(crate) lost_queue_full: Counter,
    pub(crate) lost_collector: Counter,
    pub(crate) lost_shut_down: Counter,
}

impl Exported {
    pub(super) fn new(owner: &Owner<'_>) -> Self {
        Self {
            sent: owner.counter(&catalogue::SPANS_EXPORTED, &[]),
            lost_queue_full: owner.counter(&catalogue::SPANS_LOST, &["queue_full"]),
            lost_collector: owner.counter(&catalogue::SPANS_LOST, &["collector"]),
            lost_shut_down: owner.counter(&catalogue::SPANS_LOST, &["shut_down"]),
        }
    }
}
