//! What came of a run.

use std::collections::BTreeMap;

use mixbed_node::LoopTally;
use serde::Serialize;

use crate::stats::quantile;
use crate::{Sim, SimPacket};

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What packets were made of.
    pub packet: &'static str,
    /// Nodes.
    pub nodes: usize,
    /// Clients.
    pub clients: usize,
    /// Virtual seconds.
    pub seconds: f64,
    /// Events of the run.
    pub events: u64,
    /// Entries of its transcript.
    pub happenings: u64,
    /// The transcript's hash: the same for the same configuration.
    pub transcript: String,
    /// The last epoch.
    pub epoch: u64,
    /// Documents that the directory signed.
    pub documents: u64,
    /// Registrations that the directory did not take, or was away for.
    pub registrations_failed: u64,
    /// All packets of the network.
    pub packets: Packets,
    /// All requests of clients.
    pub requests: Requests,
    /// All loops of clients.
    pub loops: Loops,
}

/// What became of all packets in a network. Each that was made is in one place:
/// `made = delivered + dropped + held + under_way`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packets {
    /// Made by clients.
    pub made_by_clients: u64,
    /// Made by nodes: replies and loops.
    pub made_by_nodes: u64,
    /// Passed on from one to the next.
    pub hops: u64,
    /// Ended where they were wanted.
    pub delivered: u64,
    /// Dropped, by reason: the links' losses are `impaired`.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Held by nodes.
    pub held: u64,
    /// On a link.
    pub under_way: u64,
    /// Whether the books of each node close as well.
    pub all_books_close: bool,
}

/// What became of the clients' requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Requests {
    /// Asked.
    pub asked: u64,
    /// Answered rightly.
    pub answered: u64,
    /// Ended without the right answer.
    pub unanswered: u64,
    /// Packets sent for those that ended.
    pub sends: u64,
    /// How many of them said what an earlier one had said in vain.
    pub retransmissions: u64,
    /// Requests that a service worked on.
    pub executed: u64,
    /// Those of them that it worked on more than once.
    pub executed_again: u64,
    /// The median time to an answer, in seconds.
    pub median: Option<f64>,
    /// The time in which 95 of 100 were answered, in seconds.
    pub p95: Option<f64>,
}

/// What became of the clients' loops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loops {
    /// Sent.
    pub sent: u64,
    /// Back in time.
    pub returned: u64,
    /// Not back in time.
    pub lost: u64,
}

impl Packets {
    /// Packets made.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made_by_clients + self.made_by_nodes
    }

    /// Packets dropped for any reason.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Packets dropped for one reason.
    #[must_use]
    pub fn dropped_as(&self, reason: mixbed_wire::DropReason) -> u64 {
        self.dropped.get(reason.name()).copied().unwrap_or_default()
    }

    /// Whether each packet that was made is in one place.
    #[must_use]
    pub fn close(&self) -> bool {
        self.all_books_close
            && self.made() == self.delivered + self.dropped() + self.held + self.under_way
    }
}

impl<P: SimPacket> Sim<P> {
    /// What has come of it so far.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            seed: self.config.seed,
            packet: P::NAME,
            nodes: self.nodes.len(),
            clients: self.clients.len(),
            seconds: self.now().as_secs_f64(),
            events: self.events(),
            happenings: self.transcript().happenings(),
            transcript: self.transcript().hash(),
            epoch: self.epoch,
            documents: self.documents,
            registrations_failed: self.registrations_failed,
            packets: self.packets(),
            requests: self.requests(),
            loops: self.loops(),
        }
    }

    /// Each request that ended, in the order of their ends.
    #[must_use]
    pub fn outcomes(&self) -> &[crate::Outcome] {
        &self.outcomes
    }

    /// How long packets were held, if they were followed.
    #[must_use]
    pub fn followed(&self) -> Option<&crate::Follow> {
        self.follow.as_ref()
    }

    /// How the loops of the node with this name did, by the name of the next hop.
    #[must_use]
    pub fn node_loops(&self, name: &str) -> Option<BTreeMap<String, LoopTally>> {
        let node = self.nodes.iter().find(|node| node.core.descriptor().name == name);
        node.map(|node| node.core.tallies())
    }

    fn packets(&self) -> Packets {
        let mut packets = Packets {
            under_way: self.packets_under_way,
            all_books_close: self.lines.under_way() as u64 >= self.packets_under_way,
            ..Packets::default()
        };
        for node in &self.nodes {
            let (accounts, held) = (node.core.accounts(), node.core.held());
            packets.made_by_nodes += accounts.made;
            packets.hops += accounts.sent;
            packets.delivered += accounts.delivered;
            packets.held += held;
            packets.all_books_close &= accounts.held() == held;
            for (reason, count) in accounts.reasons() {
                *packets.dropped.entry(reason).or_default() += count;
            }
        }
        for client in &self.clients {
            packets.made_by_clients += client.accounts.made;
            packets.hops += client.accounts.sent;
            packets.delivered += client.accounts.delivered;
            packets.all_books_close &= client.accounts.held() == 0;
            for (reason, count) in client.accounts.reasons() {
                *packets.dropped.entry(reason).or_default() += count;
            }
        }
        packets
    }

    fn requests(&self) -> Requests {
        let mut requests = Requests {
            asked: self.clients.iter().map(|client| client.asked).sum(),
            executed: self.executions.len() as u64,
            executed_again: self.executions.values().filter(|runs| **runs > 1).count() as u64,
            ..Requests::default()
        };
        for outcome in &self.outcomes {
            requests.answered += u64::from(outcome.answered);
            requests.unanswered += u64::from(!outcome.answered);
            requests.sends += outcome.sends;
            requests.retransmissions += outcome.retransmissions;
        }
        let answered = self.outcomes.iter().filter(|outcome| outcome.answered);
        let times: Vec<_> = answered.map(|outcome| outcome.elapsed.as_secs_f64()).collect();
        requests.median = quantile(&times, 0.5);
        requests.p95 = quantile(&times, 0.95);
        requests
    }

    fn loops(&self) -> Loops {
        let mut loops = Loops::default();
        for client in &self.clients {
            let report = client.core.loop_report();
            loops.sent += report.sent;
            loops.returned += report.returned;
            loops.lost += report.lost;
        }
        loops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_close_only_if_each_packet_is_in_one_place() {
        let good = Packets {
            made_by_clients: 5,
            made_by_nodes: 4,
            hops: 30,
            delivered: 5,
            dropped: [("impaired", 1)].into(),
            held: 2,
            under_way: 1,
            all_books_close: true,
        };
        assert!(good.close());
        for bad in [
            Packets { made_by_nodes: 5, ..good.clone() },
            Packets { delivered: 6, ..good.clone() },
            Packets { dropped: BTreeMap::new(), ..good.clone() },
            Packets { held: 1, ..good.clone() },
            Packets { under_way: 2, ..good.clone() },
            Packets { all_books_close: false, ..good },
        ] {
            assert!(!bad.close(), "{bad:?}");
        }
    }
}
