//! The rules of a tally and of a calendar, one by one.

use std::time::Duration;

use super::net::{node, opinion, start};
use crate::document::{Descriptor, Document};
use crate::voting::Opinion;
use crate::voting::calendar::{self, Due, Turn};
use crate::voting::tally::tally;

fn base(nodes: impl IntoIterator<Item = u8>) -> Document {
    let Opinion { parameters, nodes } = opinion(nodes);
    Document {
        network: "testnet".to_owned(),
        epoch: 7,
        revision: 40,
        valid_from: start(),
        epoch_end: start() + Duration::from_secs(10),
        valid_until: start() + Duration::from_secs(40),
        parameters,
        nodes,
    }
}

fn names(opinions: &[Opinion], base: Option<&Document>) -> Vec<String> {
    let opinions: Vec<_> = opinions.iter().collect();
    let mut names: Vec<_> =
        tally(&opinions, 2, base).unwrap().nodes.into_iter().map(|node| node.name).collect();
    names.sort();
    names
}

#[test]
fn a_majority_of_all_decides_and_not_of_those_who_are_there() {
    let (one, other) = (opinion([1, 2]), opinion([2, 3]));
    assert_eq!(names(&[one.clone(), other.clone()], None), ["gateway-2"]);
    assert_eq!(
        names(&[one.clone(), other.clone(), opinion([3])], None),
        ["gateway-2", "gateway-3"]
    );
    assert!(names(&[opinion([1]), opinion([2]), opinion([3])], Some(&base([1, 2, 3]))).is_empty());
}

#[test]
fn a_name_belongs_to_whom_a_majority_gives_it() {
    let mut thief = node(9);
    thief.name = "gateway-1".to_owned();
    let stolen = |mut opinion: Opinion| {
        opinion.nodes.push(thief.clone());
        opinion.nodes.sort_by_key(Descriptor::id);
        opinion
    };
    let liar = stolen(opinion([2]));
    let opinions = [opinion([1, 2]), opinion([1, 2]), liar.clone()];
    assert_eq!(names(&opinions, Some(&base([1, 2]))), ["gateway-1", "gateway-2"]);
    let liars: Vec<_> = [&liar, &liar].to_vec();
    let nodes = tally(&liars, 2, Some(&base([1, 2]))).unwrap().nodes;
    assert!(nodes.contains(&thief));
}

#[test]
fn parameters_without_a_majority_stay() {
    let fast = |millis| {
        let mut opinion = opinion([1]);
        opinion.parameters.mean_hop_delay = Duration::from_millis(millis);
        opinion
    };
    let (a, b, c) = (fast(1), fast(2), fast(3));
    assert!(tally(&[&a, &b, &c], 2, None).is_err());
    let base = base([1]);
    assert_eq!(tally(&[&a, &b, &c], 2, Some(&base)).unwrap().parameters, base.parameters);
    assert_eq!(tally(&[&a, &b, &a], 2, Some(&base)).unwrap().parameters, a.parameters);
}

#[test]
fn a_document_has_room_for_those_who_were_in_before_others() {
    let crowd = |from: u32| {
        let nodes = (from..from + 1_000).map(|number| {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            let identity = crate::identity::IdentitySecret::from_bytes(bytes).public();
            let link_key = mixbed_wire::LinkPublic::from_bytes(bytes);
            Descriptor { name: format!("n-{number}"), identity, link_key, ..node(1) }
        });
        let mut nodes: Vec<_> = nodes.collect();
        nodes.sort_by_key(Descriptor::id);
        Opinion { nodes, ..opinion([]) }
    };
    let (old, half, new) = (crowd(0), crowd(500), crowd(1_000));
    let mut mixed = crowd(0);
    mixed.nodes = old.nodes.iter().filter(|node| !half.nodes.contains(node)).cloned().collect();
    mixed.nodes.extend(new.nodes.iter().filter(|node| !half.nodes.contains(node)).cloned());
    mixed.nodes.sort_by_key(Descriptor::id);
    let base = Document { nodes: old.nodes.clone(), ..base([]) };
    let content = tally(&[&old, &half, &mixed], 2, Some(&base)).unwrap();
    assert_eq!(content.nodes, old.nodes);
}

#[test]
fn whose_clock_is_behind_waits_and_whose_clock_is_far_off_refuses() {
    let base = base([1]);
    let second = Duration::from_secs(1);
    let (end, length) = (base.epoch_end, Duration::from_secs(10));
    let judge =
        |epoch, valid_from, now| calendar::judge(Some(&base), epoch, valid_from, None, length, now);
    assert!(matches!(judge(7, start(), start() + second), Turn::Now(epochs) if epochs.number == 7));
    assert!(matches!(judge(8, end, end), Turn::Now(epochs) if epochs.number == 8));
    assert_eq!(judge(8, end, end - second), Turn::Early { until: end });
    assert_eq!(judge(8, end - second, end - second), Turn::Wrong, "no epoch begins then");
    assert_eq!(judge(9, end + length, end + second), Turn::Early { until: end + length });
    assert_eq!(judge(9, end + length, start()), Turn::Wrong, "ten seconds are tolerated");
    assert!(matches!(judge(7, start(), end + 9 * second), Turn::Now(_)), "a clock that is behind");
    assert_eq!(judge(7, start(), end + 11 * second), Turn::Wrong);
    assert_eq!(judge(8, start(), start() + second), Turn::Wrong);
}

#[test]
fn an_epoch_begins_anew_when_the_ballots_say_so() {
    let length = Duration::from_secs(10);
    let (near, far) = (start() + Duration::from_secs(9), start() + Duration::from_secs(11));
    let judge = |number, at, now| calendar::judge(None, number, at, Some(start()), length, now);
    assert!(matches!(judge(1, start(), near), Turn::Now(epochs) if epochs.end == start() + length));
    assert_eq!(judge(1, start(), far), Turn::Wrong);
    assert_eq!(judge(2, start(), near), Turn::Wrong);
    assert_eq!(judge(1, near, near), Turn::Wrong, "not what the ballots say");
    let hour = Duration::from_secs(3_600);
    assert_eq!(calendar::due(Some(&base([1])), start() - hour), Due::Anew { number: 8 });
    assert_eq!(calendar::median(vec![far, start(), near]), Some(near));
    assert_eq!(calendar::median(vec![start(), far]), Some(far));
}
