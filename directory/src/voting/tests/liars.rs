//! One of three lies.

use std::time::Duration;

use super::net::{NETWORK, Net, millis, opinion, secret};
use super::settled;
use crate::document::{Descriptor, Document};
use crate::voting::opinion::digest;
use crate::voting::{Base, Envelope, PeerMessage, Proposal, SignedProposal, Status, VotingEvent};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_node_that_one_withholds_is_in_and_one_that_it_invents_is_not() {
    for seed in 0..5 {
        let mut net = settled(100 + seed);
        net.is_liar(2);
        net.set_opinion(2, &opinion([1, 9]));
        net.run(25 * SECOND);
        assert!((0..3).all(|at| net.nodes(at) == [1, 2, 3].into()), "seed {seed}");
        net.all_think(&opinion([1, 2, 3, 4]));
        net.wait(3 * SECOND, |net| (0..2).all(|at| net.nodes(at) == [1, 2, 3, 4].into()));
        net.run(35 * SECOND);
        for at in 0..2 {
            let liar = net.key(2);
            assert!(net.saw(at, |it| *it == VotingEvent::Disagrees { authority: liar }));
        }
        assert_eq!(net.forks, 0, "seed {seed}");
    }
}

#[test]
fn what_one_says_of_a_node_or_a_parameter_does_not_count() {
    let mut net = settled(110);
    net.is_liar(0);
    let mut other = opinion([1, 2, 3]);
    other.parameters.tracing_allowed = true;
    other.nodes[0].address = "10.6.6.6:9000".to_owned();
    net.set_opinion(0, &other);
    let before = net.documents.len();
    net.run(3 * SECOND);
    assert_eq!(net.documents.len(), before);
    // A second one who says so makes it true.
    net.set_opinion(1, &other);
    net.wait(3 * SECOND, |net| net.newest(2).unwrap().parameters.tracing_allowed);
    assert_eq!(net.newest(2).unwrap().nodes, other.nodes);
}

#[test]
fn a_node_that_changes_stays_as_it_was_until_a_majority_has_heard() {
    let mut net = settled(120);
    let moved = |port: u16| {
        let mut moved = opinion([1, 2, 3]);
        moved.nodes[1].address = format!("10.0.0.77:{port}");
        moved
    };
    let port = |net: &Net| {
        let nodes = net.newest(0).unwrap().nodes;
        nodes.iter().filter(|node| node.address.starts_with("10.0.0.77")).count()
    };
    net.set_opinion(0, &moved(1));
    net.set_opinion(1, &moved(2));
    net.run(SECOND);
    assert_eq!((port(&net), net.nodes(0)), (0, [1, 2, 3].into()), "three opinions of it, yet in");
    net.set_opinion(1, &moved(1));
    net.wait(SECOND, |net| port(net) == 1);
}

#[test]
fn the_wrong_time_of_one_neither_hastens_nor_hinders_an_epoch() {
    for (seed, ahead) in [(130, 3_600_000), (131, -3_600_000), (132, 9_000), (133, -9_000)] {
        let mut net = settled(seed);
        net.is_liar(1);
        net.set_ahead(1, ahead);
        net.run(25 * SECOND);
        for (bytes, at) in net.documents.values() {
            let document = crate::document::Document::from_bytes(bytes).unwrap();
            assert!(document.epoch == 1 || *at >= document.valid_from, "{ahead}: early");
        }
        assert_eq!(net.newest(0).unwrap().epoch, 3, "{ahead}");
        let liar = net.key(1);
        let named = |it: &VotingEvent| matches!(it, VotingEvent::ClockOff { authority, .. } if *authority == liar);
        assert_eq!(net.saw(0, named), ahead.abs() > 10_000, "{ahead}");
    }
}

#[test]
fn another_key_says_nothing() {
    let mut net = settled(140);
    let stranger = net.join(secret(77), false);
    net.set_opinion(stranger, &opinion([7]));
    let status = PeerMessage::Status(Box::default());
    let foreign = Envelope::seal(&status, NETWORK, &secret(77));
    assert!(foreign.open(NETWORK, &net.panel).is_err());
    let other_network = Envelope::seal(&status, "othernet", &net.secret(0));
    assert!(other_network.open(NETWORK, &net.panel).is_err());
    let before = net.documents.len();
    net.run(3 * SECOND);
    assert_eq!(net.documents.len(), before);
    assert!((0..3).all(|at| !net.saw(at, |_| true)), "{:?}", net.events);
}

/// A liar with two tongues: 2 speaks with 0, 3 with 1, and both sign with one key.
fn two_tongues(seed: u64) -> Net {
    let mut net = Net::new(3, seed);
    net.is_liar(2);
    let other = net.join(net.secret(2), false);
    net.connect(2, 1, false);
    net.connect(other, 0, false);
    net
}

#[test]
fn who_tells_one_thing_to_some_and_another_to_others_is_caught_and_left_out() {
    for seed in 0..5 {
        let mut net = two_tongues(150 + seed);
        net.set_opinion(0, &opinion([1, 2]));
        net.set_opinion(1, &opinion([1, 3]));
        net.set_opinion(2, &opinion([1, 2, 8]));
        net.set_opinion(3, &opinion([1, 3, 9]));
        net.run(3 * SECOND);
        for round in 0..20_u8 {
            let both = [1, 2, 3, 20 + round];
            net.set_opinion(2, &opinion([1, 2, 8, 40 + round]));
            net.set_opinion(3, &opinion([1, 3, 9, 60 + round]));
            net.set_opinion(0, &opinion(both));
            net.set_opinion(1, &opinion(both));
            net.wait(4 * SECOND, |net| (0..2).all(|at| net.nodes(at) == both.into()));
        }
        assert_eq!(net.forks, 0, "seed {seed}");
        let liar = net.key(2);
        for at in 0..2 {
            let caught = VotingEvent::Equivocated { authority: liar };
            assert!(net.saw(at, |it| *it == caught), "seed {seed}: {:?}", net.events);
        }
        let honest = [net.key(0), net.key(1)];
        let accused = net.events.iter().any(|(_, event)| {
            matches!(event, VotingEvent::Equivocated { authority } if honest.contains(authority))
        });
        assert!(!accused, "seed {seed}: {:?}", net.events);
    }
}

/// The liar's turn comes, and it proposes a document to the one and another to the other, both of
/// which are good by themselves: who does not wait for what the other accepts makes two of them.
#[test]
fn a_leader_who_proposes_two_documents_of_one_revision_does_not_get_both() {
    let mut caught = 0;
    for seed in 0..12 {
        let mut net = two_tongues(160 + seed);
        net.delay = 2..=8;
        let base = opinion([1, 5]);
        net.all_think(&base);
        (2..4).for_each(|at| net.set_opinion(at, &base));
        net.wait(3 * SECOND, |net| (0..4).all(|at| net.nodes(at) == [1, 5].into()));
        // Until its turn is the next.
        for extra in 20.. {
            let revision = net.newest(0).unwrap().revision;
            if net.panel.leader(revision + 1) == net.key(2) {
                break;
            }
            let changed = opinion([1, 5, extra]);
            (0..4).for_each(|at| net.set_opinion(at, &changed));
            net.wait(3 * SECOND, |net| (0..4).all(|at| net.nodes(at).contains(&extra)));
            net.run(SECOND);
        }
        let revision = net.newest(0).unwrap().revision + 1;
        net.run(SECOND);
        // With its vote the one's news has a majority, and so has the other's.
        net.set_opinion(3, &opinion([1]));
        net.run(millis(1));
        net.set_opinion(2, &opinion([1, 2]));
        net.set_opinion(0, &opinion([1, 2]));
        net.set_opinion(1, &opinion([1]));
        net.run(5 * SECOND);
        assert_eq!(net.forks, 0, "seed {seed}: two documents of revision {revision}");
        let liar = VotingEvent::Equivocated { authority: net.key(2) };
        caught += usize::from((0..2).all(|at| net.saw(at, |it| *it == liar)));
    }
    assert!(caught > 6, "the lie that this is about was told {caught} times only");
}

#[test]
fn a_flood_of_one_changes_nothing_for_the_others() {
    let mut net = settled(180);
    net.is_liar(2);
    for round in 0..2_000_u32 {
        let garbage = PeerMessage::Opinion(round.to_be_bytes().to_vec());
        net.send(2, 0, garbage.clone());
        net.send(2, 1, garbage);
    }
    net.all_think(&opinion([1, 2, 3, 4]));
    let change = net.wait(3 * SECOND, |net| (0..2).all(|at| net.nodes(at).contains(&4)));
    assert!(change <= 2 * SECOND, "{change:?}");
}

#[test]
fn ballots_without_end_of_one_change_nothing_for_the_others() {
    let mut net = settled(190);
    net.is_liar(2);
    for round in 0..100_u8 {
        net.set_opinion(2, &opinion([1, 2, 3, 100 + round % 90]));
        net.run(millis(15));
    }
    net.all_think(&opinion([1, 2, 3, 4]));
    for round in 0..200_u8 {
        net.set_opinion(2, &opinion([1, 2, 3, 100 + round % 90]));
        net.run(millis(15));
    }
    assert!((0..2).all(|at| net.nodes(at) == [1, 2, 3, 4].into()));
    assert_eq!(net.forks, 0);
    let nodes: Vec<Descriptor> = net.newest(0).unwrap().nodes;
    assert_eq!(nodes.len(), 4);
}

#[test]
fn a_proposal_far_ahead_is_refused() {
    let mut net = Net::new(3, 195);
    net.is_liar(2);
    net.keep_messages = true;
    net.all_think(&opinion([1]));
    net.set_opinion(2, &opinion([1]));
    net.wait(SECOND, |net| (0..3).all(|at| net.nodes(at) == [1].into()));
    net.run(SECOND);
    net.delay = 1..=2;
    net.all_think(&opinion([1, 2]));
    net.run(millis(8));
    // All that the rules want, but for the number: a majority has voted so.
    let new = digest(&opinion([1, 2]).to_bytes());
    let ballots = net.kept.iter().rev().find_map(|(_, message)| match message {
        PeerMessage::Status(status) => {
            let for_it = status.ballots.iter().filter(|it| it.ballot().opinion == new);
            (for_it.count() == 2).then(|| status.ballots.clone())
        }
        _ => None,
    });
    let (document, liar) = (net.newest(0).unwrap(), net.secret(2));
    let mut revision = document.revision + 100_000;
    while net.panel.leader(revision) != liar.public() {
        revision += 1;
    }
    let made = Document { revision, nodes: opinion([1, 2]).nodes, ..document.clone() };
    let bytes = document.to_bytes().unwrap();
    let base = Base { version: document.version(), digest: digest(&bytes) };
    let proposal = Proposal {
        epoch: document.epoch,
        revision,
        valid_from: document.valid_from,
        base: Some(base),
        document: digest(&made.to_bytes().unwrap()),
        ballots: ballots.unwrap(),
    };
    let proposal = Some(SignedProposal::sign(proposal, NETWORK, &liar));
    let status = Status { proposal, ..Status::default() };
    net.send(2, 0, PeerMessage::Status(Box::new(status)));
    net.wait(3 * SECOND, |net| (0..2).all(|at| net.nodes(at) == [1, 2].into()));
    assert!(net.newest(0).unwrap().revision < 100);
}
