//! The accounts of a whole net.

use std::collections::BTreeMap;

use mixbed_telemetry::Readings;
use mixbed_wire::DropReason;

/// Every node's accounts at one time, by node name.
#[derive(Clone, Debug, Default)]
pub struct NetBooks(pub BTreeMap<String, Readings>);

impl NetBooks {
    /// Whether each node's accounts close with nothing held: the net is at rest.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.0.values().all(|node| node.closes() && node.held == 0)
    }

    /// Packets dropped for a reason, over all nodes.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        let count = |node: &Readings| node.dropped.get(reason.index()).copied().unwrap_or(0);
        self.0.values().map(count).sum()
    }

    /// Each reason for which packets were dropped, and how many.
    #[must_use]
    pub fn drops(&self) -> Vec<(DropReason, u64)> {
        let all = DropReason::ALL.iter().map(|reason| (*reason, self.dropped(*reason)));
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// The sum of one column, such as `|node| node.received`.
    pub fn total(&self, column: impl Fn(&Readings) -> u64) -> u64 {
        self.0.values().map(column).sum()
    }
}
