//! The accounts of a whole net.

use std::collections::BTreeMap;

use mixbed_telemetry::{ClientReadings, Readings};
use mixbed_wire::DropReason;

/// Every node's accounts at one time.
#[derive(Clone, Debug, Default)]
pub struct NetBooks {
    /// Those of the nodes that run, by name.
    pub nodes: BTreeMap<String, Readings>,
    /// The last ones of nodes that were stopped, in that order. A node that is started again has
    /// an entry for each of its earlier lives.
    pub ended: Vec<(String, Readings)>,
}

/// What became of all packets of a net at rest, clients included.
///
/// Each node's books close by themselves: received + made = sent + delivered + dropped + held.
/// What the books of single nodes cannot show is a packet that one end of a link counts as sent and
/// the other never as received: summed over the net, that is made - delivered - dropped - held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Packets that clients sent, and that nodes made themselves (replies and loops).
    pub made: u64,
    /// Packets that ended where they were meant to: at a node's service, at a client.
    pub delivered: u64,
    /// Packets dropped, by reason.
    pub dropped: Vec<(DropReason, u64)>,
    /// Packets still inside nodes.
    pub held: u64,
    /// Packets written to a link and never read from it: those in sockets when a link broke.
    /// Negative if more came in than were ever made.
    pub lost_with_links: i64,
}

impl NetBooks {
    /// Whether each node's accounts close with nothing held: the net is at rest.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.all().all(|node| node.closes() && node.held == 0)
    }

    /// Packets dropped for a reason, over all nodes.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.total(|node| node.dropped.get(reason.index()).copied().unwrap_or(0))
    }

    /// Each reason for which packets were dropped, and how many.
    #[must_use]
    pub fn drops(&self) -> Vec<(DropReason, u64)> {
        let all = DropReason::ALL.iter().map(|reason| (*reason, self.dropped(*reason)));
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// The sum of one column, such as `|node| node.received`.
    pub fn total(&self, column: impl Fn(&Readings) -> u64) -> u64 {
        self.all().map(column).sum()
    }

    /// Adds the whole net up; `clients` are all that there were.
    #[must_use]
    pub fn audit(&self, clients: &[ClientReadings]) -> Audit {
        let made = self.total(|node| node.made) + clients.iter().map(|own| own.sent).sum::<u64>();
        let delivered =
            self.total(|node| node.delivered) + clients.iter().map(|own| own.received).sum::<u64>();
        let held = self.total(|node| node.held);
        let accounted = delivered + held + self.total(Readings::dropped_total);
        let lost_with_links = made.cast_signed() - accounted.cast_signed();
        Audit { made, delivered, dropped: self.drops(), held, lost_with_links }
    }

    fn all(&self) -> impl Iterator<Item = &Readings> {
        self.nodes.values().chain(self.ended.iter().map(|(_, readings)| readings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(received: u64, made: u64, sent: u64, delivered: u64, lossy: u64) -> Readings {
        let mut dropped = vec![0; DropReason::ALL.len()];
        dropped[DropReason::LinkLost.index()] = lossy;
        Readings { received, made, sent, delivered, dropped, held: 0 }
    }

    #[test]
    fn a_net_adds_up_and_what_a_link_swallowed_shows() {
        let client = ClientReadings { sent: 10, received: 3 };
        let gateway = node(10, 0, 9, 0, 1);
        let provider = node(8, 4, 4, 8, 0);
        let books = NetBooks {
            nodes: [("gateway-0".to_owned(), gateway)].into(),
            ended: vec![("provider-0".to_owned(), provider)],
        };
        assert!(books.at_rest());
        let audit = books.audit(&[client]);
        assert_eq!((audit.made, audit.delivered, audit.held), (14, 11, 0));
        assert_eq!(audit.dropped, [(DropReason::LinkLost, 1)]);
        // One of the gateway's nine did not arrive, nor did one of the provider's four.
        assert_eq!(audit.lost_with_links, 2);
    }
}
