//! The core of one of several directories.

use std::sync::Arc;

use super::{LEASE, NETWORK, SECOND, config, node, register, secret, start};
use crate::admission::{Admission, ListedNode, NodeList};
use crate::authority::{Core, CoreConfig, DEBOUNCE, Issued, Snapshot, Voted};
use crate::document::{Descriptor, Document, SignedDocument};
use crate::voting::{Adopted, Panel};

/// The first of three, which takes these nodes.
fn first_of_three(seeds: &[u8]) -> Core {
    let nodes = seeds.iter().map(|seed| {
        let Descriptor { name, identity, role, .. } = node(*seed);
        ListedNode { name, identity, role }
    });
    let admission = Admission::Listed(NodeList::new(nodes).unwrap());
    let core = Core::new(CoreConfig { admission, ..config() }, secret(91), start());
    core.with_voting(Some(Voted { panel: panel(), sequence: 0, pledged: (0, 0) }))
}

fn panel() -> Panel {
    Panel::new([91, 92, 93].map(|seed| secret(seed).public()).to_vec()).unwrap()
}

/// A document of the other two.
fn of_the_others(nodes: Vec<Descriptor>) -> Adopted {
    let document = Document {
        network: NETWORK.to_owned(),
        epoch: 1,
        revision: 5,
        valid_from: start(),
        epoch_end: start() + config().parameters.epoch_length,
        valid_until: start() + 4 * config().parameters.epoch_length,
        parameters: config().parameters,
        nodes,
    };
    let signed = SignedDocument::sign(&document, &[&secret(92), &secret(93)]).unwrap();
    let issued = Issued { document: Arc::new(document), signed: Arc::new(signed) };
    Adopted { issued, voted: false }
}

fn opinion(core: &mut Core, now: std::time::SystemTime) -> Vec<String> {
    core.poll(now).unwrap();
    core.poll(now + DEBOUNCE).unwrap();
    let opinion = core.take_opinion().expect("there is something to tell");
    opinion.nodes.into_iter().map(|node| node.name).collect()
}

#[test]
fn one_that_was_away_lists_whom_the_others_have_and_its_own_list_allows() {
    let mut core = first_of_three(&[1, 2]);
    register(&mut core, 1, node(1), start()).unwrap();
    assert_eq!(opinion(&mut core, start()), ["gateway-1"]);
    assert_eq!(core.take_opinion(), None, "it is told once");
    let mut nodes = vec![node(1), node(2), node(3)];
    nodes.sort_by_key(Descriptor::id);
    core.handle_adopted(&of_the_others(nodes), start() + SECOND);
    let mut names = opinion(&mut core, start() + SECOND);
    names.sort_unstable();
    assert_eq!(names, ["gateway-1", "gateway-2"], "not the third, which is on no list here");
    // Those who do not come to it in a lease are not its own any more.
    register(&mut core, 1, node(1), start() + LEASE).unwrap();
    assert_eq!(opinion(&mut core, start() + LEASE + 2 * SECOND), ["gateway-1"]);
}

#[test]
fn it_makes_no_document_by_itself() {
    let mut core = first_of_three(&[1]);
    register(&mut core, 1, node(1), start()).unwrap();
    let later = start() + 2 * config().parameters.epoch_length;
    let polled = core.poll(later).unwrap();
    assert!(!polled.issued && core.documents().is_empty());
}

#[test]
fn how_far_it_has_voted_outlives_it_and_so_does_a_document_of_the_others() {
    let mut core = first_of_three(&[1]);
    core.handle_adopted(&of_the_others(vec![node(1)]), start());
    core.set_voted(7, (1, 6));
    let snapshot = Snapshot::from_bytes(&core.snapshot().to_bytes()).unwrap();
    let restored = Core::restore(config(), snapshot, start() + SECOND).unwrap();
    let voted = restored.voting().unwrap();
    assert_eq!((voted.sequence, voted.pledged, &voted.panel), (7, (1, 6), &panel()));
    assert_eq!(restored.documents().back().unwrap().document.revision, 5);
    // The only one from now on: nobody believes what the others signed.
    let alone = restored.with_voting(None);
    assert!(alone.documents().is_empty());
}
