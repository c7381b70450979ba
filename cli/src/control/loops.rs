//! Loops in the status: how those of each sender did, and what they say together.

use std::collections::BTreeMap;

use mixbed_directory::Document;
use mixbed_wire::{LOOPS_JUDGED, LoopOutcome, NodeId, judge};

use super::api::{LoopsStatus, SegmentLoops, SenderLoops, Suspect};
use super::server::{Control, Nodes};

/// The loops of the client and of the nodes in this process.
pub(super) fn loops(control: &Control, document: Option<&Document>) -> LoopsStatus {
    let name = |id: NodeId| {
        let node = document.and_then(|document| document.node(&id));
        node.map_or_else(|| id.to_string(), |node| node.name.clone())
    };
    let report = control.client.loops().borrow().clone();
    let mut all = report.outcomes;
    let counts = [report.sent, report.returned, report.lost];
    let mut senders = vec![of_sender(&control.name, counts, &all, name)];
    if let Nodes::Inside(net) = &control.nodes {
        for (sender, node) in net.nodes() {
            let outcomes = node.loop_outcomes();
            let tallies = node.loops();
            let sum =
                |column: fn(&mixbed_node::LoopTally) -> u64| tallies.values().map(column).sum();
            let counts = [sum(|of| of.sent), sum(|of| of.returned), sum(|of| of.lost)];
            senders.push(of_sender(sender, counts, &outcomes, name));
            all.extend(outcomes);
        }
    }
    senders.retain(|sender| sender.sent > 0);
    all.sort_by_key(|outcome| outcome.ended);
    LoopsStatus { suspect: suspect(&all, name), senders }
}

fn of_sender(
    sender: &str,
    [sent, returned, lost]: [u64; 3],
    outcomes: &[LoopOutcome],
    name: impl Fn(NodeId) -> String + Copy,
) -> SenderLoops {
    let mut segments: BTreeMap<(NodeId, NodeId), SegmentLoops> = BTreeMap::new();
    for LoopOutcome { hops, returned, .. } in outcomes {
        let mut passed: Vec<_> = hops.windows(2).map(|pair| (pair[0], pair[1])).collect();
        passed.sort_unstable();
        passed.dedup();
        for (from, to) in passed {
            let segment = segments.entry((from, to)).or_insert_with(|| SegmentLoops {
                from: name(from),
                to: name(to),
                returned: 0,
                ended: 0,
            });
            segment.returned += u32::from(*returned);
            segment.ended += 1;
        }
    }
    let mut segments: Vec<_> = segments.into_values().collect();
    segments.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    let back = outcomes.iter().filter(|outcome| outcome.returned).count();
    SenderLoops {
        sender: sender.to_owned(),
        sent,
        returned,
        lost,
        recent_returned: u32::try_from(back).unwrap_or(u32::MAX),
        recent_ended: u32::try_from(outcomes.len()).unwrap_or(u32::MAX),
        segments,
        suspect: suspect(outcomes, name),
    }
}

fn suspect(outcomes: &[LoopOutcome], name: impl Fn(NodeId) -> String + Copy) -> Option<Suspect> {
    // Nothing is wrong, most of the time.
    let recent = &outcomes[outcomes.len().saturating_sub(LOOPS_JUDGED)..];
    if recent.iter().all(|outcome| outcome.returned) {
        return None;
    }
    let verdict = judge(recent)?;
    Some(Suspect {
        name: verdict.culprit.name(name),
        lost: verdict.through.lost,
        of: verdict.through.of,
        lost_beside: verdict.beside.lost,
        of_beside: verdict.beside.of,
        words: verdict.words(name),
    })
}
