//! Who is listed, who is refused, and for how long.

use std::time::Duration;

use mixbed_wire::{Impairment, Latency};
use proptest::prelude::*;

use super::{
    LEASE, NETWORK, SECOND, core, join_secret, leave, names, node, register, registration, secret,
    settled, start,
};
use crate::authority::{FRESHNESS, Listing};
use crate::clock::ClockOffset;
use crate::document::impairment::{ImpairmentRule, MAX_IMPAIRMENTS, Selector};
use crate::document::{Descriptor, Parameters};
use crate::identity::Signature;
use crate::join::JoinSecret;
use crate::messages::{Departure, ParametersOrder, Reason, Registration, Rejection};

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
    let registration = Registration::new(node(1), NETWORK, start(), &secret(1), &theirs);
    let refused = core().handle_register(&registration, start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::WrongJoinSecret);
    assert!(refused.reason().is_permanent());
    assert!(refused.to_string().contains("wrong join secret"));
}

#[test]
fn another_networks_registration_is_refused() {
    let registration = Registration::new(node(1), "mainnet", start(), &secret(1), &join_secret());
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

#[test]
fn a_node_that_lost_its_keys_comes_back_at_its_address() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let reborn = Descriptor { name: "gateway-1".to_owned(), address: node(1).address, ..node(2) };
    let listing = register(&mut core, 2, reborn.clone(), start() + SECOND).unwrap().listing;
    assert_eq!(listing, Listing::New);
    assert_eq!(settled(&mut core, start() + SECOND).nodes, [reborn]);
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
        let message = Registration::new(descriptor, NETWORK, start(), &identity, &join_secret());
        refused = core.handle_register(&message, start()).err();
    }
    assert_eq!(refused, Some(Rejection::Full), "the thousand-and-first");
    assert_eq!(settled(&mut core, start()).nodes.len(), 1000);
}

#[test]
fn parameters_change_by_proof_of_the_secret_only() {
    let mut core = core();
    let slow = Parameters { mean_hop_delay: Duration::from_secs(1), ..Parameters::default() };
    let theirs = JoinSecret::new("another secret altogether").unwrap();
    let forged = ParametersOrder::new(&slow, NETWORK, start(), &theirs);
    let refused = core.handle_set_parameters(&forged, start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::WrongJoinSecret);

    let order = ParametersOrder::new(&slow, NETWORK, start(), &join_secret());
    core.handle_set_parameters(&order, start()).unwrap();
    assert_eq!(settled(&mut core, start()).parameters, slow);
    let again = core.handle_set_parameters(&order, start() + SECOND);
    assert_eq!(again, Err(Rejection::Replayed));

    let absurd = Parameters { mean_hop_delay: Duration::from_secs(3600), ..slow };
    let order = ParametersOrder::new(&absurd, NETWORK, start() + SECOND, &join_secret());
    let refused = core.handle_set_parameters(&order, start() + SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::Malformed);
}

#[test]
fn an_order_that_knows_what_it_replaces_undoes_nobody_else() {
    let mut core = core();
    let before = Parameters::default();
    let delay = |ms| Parameters { mean_hop_delay: Duration::from_millis(ms), ..before.clone() };
    let order = |replaced: &Parameters, wanted: &Parameters, at| {
        ParametersOrder::replacing(replaced, wanted, NETWORK, at, &join_secret())
    };
    core.handle_set_parameters(&order(&before, &delay(20), start()), start()).unwrap();
    let late = order(&before, &delay(30), start() + SECOND);
    let refused = core.handle_set_parameters(&late, start() + SECOND);
    assert_eq!(refused, Err(Rejection::ParametersChanged));
    let informed = order(&delay(20), &delay(30), start() + SECOND);
    core.handle_set_parameters(&informed, start() + SECOND).unwrap();
    assert_eq!(settled(&mut core, start() + SECOND).parameters, delay(30));
}

#[test]
fn operators_whose_clocks_differ_change_parameters_in_turn() {
    let mut core = core();
    let delay =
        |ms| Parameters { mean_hop_delay: Duration::from_millis(ms), ..Parameters::default() };
    let order = |from, to, at| {
        ParametersOrder::replacing(&delay(from), &delay(to), NETWORK, at, &join_secret())
    };
    // The second one's clock is half a minute behind.
    let first = order(50, 20, start() + 30 * SECOND);
    let second = order(20, 50, start());
    let now = start() + 31 * SECOND;
    core.handle_set_parameters(&first, now).unwrap();
    core.handle_set_parameters(&second, now).unwrap();
    assert_eq!(settled(&mut core, now).parameters, delay(50));
    // What they replace holds again, and still each order counts once.
    assert_eq!(core.handle_set_parameters(&first, now), Err(Rejection::Replayed));
    let snapshot = core.snapshot();
    let mut restarted = crate::authority::Core::restore(super::config(), snapshot, now).unwrap();
    assert_eq!(restarted.handle_set_parameters(&first, now), Err(Rejection::Replayed));
    restarted.handle_set_parameters(&order(50, 20, now), now).unwrap();
    // One that replaces whatever there is has to be the newest.
    let blind = ParametersOrder::new(&delay(1), NETWORK, start(), &join_secret());
    assert_eq!(restarted.handle_set_parameters(&blind, now), Err(Rejection::Replayed));
}

#[test]
fn however_many_orders_there_are_none_counts_twice() {
    let mut core = core();
    let delay =
        |ms| Parameters { mean_hop_delay: Duration::from_millis(ms), ..Parameters::default() };
    let orders: Vec<_> = (0..600_u32)
        .map(|i| {
            let at = start() + i * Duration::from_millis(10);
            let (from, to) = if i % 2 == 0 { (50, 20) } else { (20, 50) };
            ParametersOrder::replacing(&delay(from), &delay(to), NETWORK, at, &join_secret())
        })
        .collect();
    let now = start() + 6 * SECOND;
    for order in &orders {
        core.handle_set_parameters(order, now).unwrap();
    }
    for order in orders.iter().step_by(2) {
        assert_eq!(core.handle_set_parameters(order, now), Err(Rejection::Replayed));
    }
}

#[test]
fn as_many_rules_as_there_may_be_are_an_order_however_long_their_words() {
    let mut core = core();
    let selector = || Selector::Named("a".repeat(63));
    let time = Duration::from_micros(59_999_999);
    let impairment = Impairment {
        latency: Latency::Normal { mean: time, deviation: time },
        jitter: time,
        loss: 0.123_456_789,
        bandwidth: Some(Impairment::MAX_BANDWIDTH),
        partition: true,
    };
    let rule = ImpairmentRule {
        only_from: Some(selector()),
        ..ImpairmentRule::of(selector(), impairment)
    };
    let impairments = vec![rule; MAX_IMPAIRMENTS];
    let parameters = Parameters { impairments, ..Parameters::default() };
    let order = ParametersOrder::new(&parameters, NETWORK, start(), &join_secret());
    core.handle_set_parameters(&order, start()).unwrap();
    assert_eq!(settled(&mut core, start()).parameters, parameters);
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
        let order = ParametersOrder { bytes, join_proof: vec![7; 32] };
        prop_assert!(core.handle_set_parameters(&order, start()).is_err());
    }
}
