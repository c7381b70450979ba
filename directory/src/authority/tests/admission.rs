//! Who is listed, who is refused, and for how long.

use proptest::prelude::*;

use super::{
    LEASE, NETWORK, SECOND, admin, core, join_secret, leave, names, node, register, registration,
    secret, settled, start,
};
use crate::authority::{FRESHNESS, Listing};
use crate::clock::ClockOffset;
use crate::document::Descriptor;
use crate::identity::Signature;
use crate::join::JoinSecret;
use crate::messages::{Departure, Order, Reason, Registration, Rejection};

#[test]
fn a_registered_node_is_in_the_next_document() {
    let mut core = core();
    let registered = register(&mut core, 1, node(1), start()).unwrap();
    assert_eq!((registered.lease, registered.epoch), (LEASE, 1));
    assert_eq!(registered.listing, Listing::New);
    assert_eq!(settled(&mut core, start()).nodes, [node(1)]);
}

#[test]
fn a_wrong_join_secret_is_refused_by_name() {
    let theirs = JoinSecret::new("another secret altogether").unwrap();
    let registration = Registration::new(node(1), NETWORK, start(), &secret(1), Some(&theirs));
    let refused = core().handle_register(&registration, start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::WrongJoinSecret);
    assert!(refused.reason().is_permanent());
    assert!(refused.to_string().contains("wrong join secret"));
}

#[test]
fn another_networks_registration_is_refused() {
    let registration =
        Registration::new(node(1), "mainnet", start(), &secret(1), Some(&join_secret()));
    let refused = core().handle_register(&registration, start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::WrongNetwork);
}

#[test]
fn nobody_registers_anothers_identity() {
    // Node 2 knows the join secret too, and signs a descriptor that names node 1's identity.
    let forged = registration(2, node(1), start());
    let refused = core().handle_register(&forged, start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::BadSignature);
}

#[test]
fn an_old_descriptor_cannot_be_brought_back_by_another_node() {
    let mut core = core();
    let old = registration(1, node(1), start());
    core.handle_register(&old, start()).unwrap();
    // It knows the join secret, so it can prove the old bytes again, but not under a new time.
    let refused = core.handle_register(&old, start() + SECOND).unwrap_err();
    assert_eq!(refused, Rejection::Replayed);
}

#[test]
fn a_message_is_good_once_and_not_for_long() {
    let mut core = core();
    let first = registration(1, node(1), start());
    core.handle_register(&first, start()).unwrap();
    leave(&mut core, 1, start() + SECOND).unwrap().unwrap();
    // Neither at once, nor after the freshness window, when it is not remembered any more.
    let mut now = start() + SECOND;
    while now < start() + 3 * FRESHNESS {
        let refused = core.handle_register(&first, now).unwrap_err().reason();
        let expected = if now <= start() + FRESHNESS { Reason::Replayed } else { Reason::Stale };
        assert_eq!(refused, expected, "{now:?}");
        core.poll(now).unwrap();
        now += SECOND;
    }
    assert!(names(&settled(&mut core, now)).is_empty());
}

#[test]
fn clocks_that_differ_too_much_are_named() {
    let mut core = core();
    let ahead = registration(1, node(1), start() + FRESHNESS + SECOND);
    let refused = core.handle_register(&ahead, start()).unwrap_err();
    let offset = ClockOffset { distance: FRESHNESS + SECOND, ahead: true };
    assert_eq!(refused, Rejection::Stale { offset, window: FRESHNESS });
    assert_eq!(
        refused.to_string(),
        "the message is stale: its sender's clock is 61.0 s ahead of the directory's, more than \
         the 60s that are tolerated: set the clocks"
    );
    assert_eq!(ahead.claimed_name().as_deref(), Some("gateway-1"), "who it is, for the log");
    assert!(!refused.reason().is_permanent(), "a clock can be set");
    let behind = registration(1, node(1), start() - FRESHNESS);
    assert!(core.handle_register(&behind, start()).is_ok());
}

#[test]
fn a_lease_ends_unless_it_is_renewed() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    register(&mut core, 2, node(2), start()).unwrap();
    let revision = settled(&mut core, start()).revision;
    let later = start() + LEASE / 3;
    let renewed = register(&mut core, 2, node(2), later).unwrap();
    assert_eq!(renewed.listing, Listing::Renewed);
    assert_eq!(core.poll_at(), start() + LEASE, "node 1's lease is the first to end");
    assert_eq!(settled(&mut core, later).revision, revision, "a renewal changes no document");

    let polled = core.poll(start() + LEASE).unwrap();
    assert_eq!(polled.expired, [node(1)]);
    let document = settled(&mut core, start() + LEASE);
    assert_eq!(names(&document), ["gateway-2"]);
    assert_eq!(document.revision, revision + 1);
    core.poll(later + LEASE).unwrap();
    assert!(settled(&mut core, later + LEASE).nodes.is_empty());
}

#[test]
fn a_node_may_change_itself() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let moved = Descriptor { address: "10.0.0.77:1".to_owned(), ..node(1) };
    let listing = register(&mut core, 1, moved.clone(), start() + SECOND).unwrap().listing;
    assert_eq!(listing, Listing::Changed);
    assert_eq!(settled(&mut core, start() + SECOND).nodes, [moved]);
}

#[test]
fn a_name_belongs_to_one_identity_until_its_lease_ends() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let usurper = Descriptor { name: "gateway-1".to_owned(), ..node(2) };
    let refused = register(&mut core, 2, usurper.clone(), start() + SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::NameTaken);
    assert!(!refused.reason().is_permanent(), "the lease may end");
    assert_eq!(names(&settled(&mut core, start() + SECOND)), ["gateway-1"]);

    // The refused message was not remembered: the same node tries again and gets the name.
    let now = start() + LEASE;
    register(&mut core, 2, usurper.clone(), now).unwrap();
    assert_eq!(settled(&mut core, now).nodes, [usurper]);
}

/// An attack in three steps: evict a node by claiming its name at its address, move that name to an
/// own address, and lock the honest node out. The first step is refused.
#[test]
fn nobody_takes_a_nodes_place_by_its_address() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let at_its_address =
        Descriptor { name: "gateway-1".to_owned(), address: node(1).address, ..node(2) };
    let refused = register(&mut core, 2, at_its_address.clone(), start() + SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::NameTaken);
    let elsewhere = Descriptor { address: "10.6.6.6:1".to_owned(), ..at_its_address };
    let refused = register(&mut core, 2, elsewhere, start() + 2 * SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::NameTaken);
    // Nor by its link key.
    let same_key = Descriptor { link_key: node(1).link_key, address: node(1).address, ..node(2) };
    let refused = register(&mut core, 2, same_key, start() + 2 * SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::LinkKeyTaken);
    // Nor by renaming itself once it is listed.
    register(&mut core, 2, node(2), start() + 3 * SECOND).unwrap();
    let renamed = Descriptor { name: "gateway-1".to_owned(), ..node(2) };
    let refused = register(&mut core, 2, renamed, start() + 4 * SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::NameTaken);
    register(&mut core, 1, node(1), start() + 5 * SECOND).unwrap();
    assert_eq!(settled(&mut core, start() + 5 * SECOND).nodes.len(), 2);
}

#[test]
fn a_link_key_belongs_to_one_identity() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let thief = Descriptor { link_key: node(1).link_key, ..node(2) };
    let refused = register(&mut core, 2, thief, start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::LinkKeyTaken);
}

#[test]
fn a_node_that_leaves_is_off_the_next_document() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    assert_eq!(leave(&mut core, 1, start() + SECOND), Ok(Some(node(1))));
    assert!(settled(&mut core, start() + SECOND).nodes.is_empty());
    assert_eq!(leave(&mut core, 1, start() + 2 * SECOND), Ok(None), "leaving twice is no error");
}

#[test]
fn nobody_sends_another_away() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let mut forged = Departure::new(NETWORK, start() + SECOND, &secret(1));
    forged.signature = Departure::new(NETWORK, start() + SECOND, &secret(2)).signature;
    let refused = core.handle_unregister(&forged, start() + SECOND);
    assert_eq!(refused, Err(Rejection::BadSignature));
    // A departure made before the node registered (again) does not count either.
    let early = Departure::new(NETWORK, start() - SECOND, &secret(1));
    assert_eq!(core.handle_unregister(&early, start()), Err(Rejection::Replayed));
}

#[test]
fn departures_of_strangers_are_not_remembered() {
    let mut core = core();
    for seed in 0..50 {
        assert_eq!(leave(&mut core, seed, start()), Ok(None));
    }
    assert!(core.snapshot().seen.is_empty());
}

#[test]
fn a_full_document_takes_no_more_nodes() {
    let mut core = core();
    let mut refused = None;
    for i in 0..=1000_u16 {
        let mut bytes = [1; 32];
        bytes[..2].copy_from_slice(&i.to_be_bytes());
        let identity = crate::identity::IdentitySecret::from_bytes(bytes);
        let descriptor = Descriptor {
            name: format!("node-{i}"),
            identity: identity.public(),
            link_key: mixbed_wire::LinkPublic::from_bytes(bytes),
            ..node(1)
        };
        let message =
            Registration::new(descriptor, NETWORK, start(), &identity, Some(&join_secret()));
        refused = core.handle_register(&message, start()).err();
    }
    assert_eq!(refused, Some(Rejection::Full), "the thousand-and-first");
    assert_eq!(settled(&mut core, start()).nodes.len(), 1000);
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let good = registration(1, node(1), start());
    assert!(core().handle_register(&good, start()).is_ok());
    let mut core = core();
    for bit in 0..good.bytes.len() * 8 {
        let mut bad = good.clone();
        bad.bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(core.handle_register(&bad, start()).is_err(), "bit {bit}");
    }
    for bit in 0..32 * 8 {
        let mut bad = good.clone();
        bad.join_proof[bit / 8] ^= 1 << (bit % 8);
        let refused = core.handle_register(&bad, start()).unwrap_err();
        assert_eq!(refused.reason(), Reason::WrongJoinSecret, "bit {bit}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        signature in any::<[u8; 32]>(),
    ) {
        let mut core = core();
        let signature = Signature::from_bytes([signature, signature].concat().try_into().unwrap());
        let join_proof = bytes.clone();
        let registration = Registration { bytes: bytes.clone(), signature, join_proof };
        prop_assert!(core.handle_register(&registration, start()).is_err());
        let departure = Departure { bytes: bytes.clone(), signature };
        prop_assert!(core.handle_unregister(&departure, start()).is_err());
        let order = Order { bytes, admin: admin().public(), signature };
        prop_assert!(core.handle_order(&order, start()).is_err());
    }
}
