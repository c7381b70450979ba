//! A directory that was told who its nodes are.

use super::{
    LEASE, NETWORK, SECOND, admin, config, core, join_secret, leave, names, newest, node, register,
    registration, secret, settled, start,
};
use crate::admission::{Admission, ListedNode, NodeList};
use crate::authority::{Core, CoreConfig};
use crate::document::{Descriptor, Role};
use crate::identity::IdentitySecret;
use crate::messages::{Instruction, Order, Reason, Registration, Rejection};

/// The list of these nodes, as gateways with the names of [`node`].
fn list(seeds: &[u8]) -> Admission {
    let nodes = seeds.iter().map(|seed| {
        let Descriptor { name, identity, role, .. } = node(*seed);
        ListedNode { name, identity, role }
    });
    Admission::Listed(NodeList::new(nodes).unwrap())
}

fn listed(seeds: &[u8]) -> CoreConfig {
    CoreConfig { admission: list(seeds), join_secrets: Vec::new(), ..config() }
}

fn listed_core(seeds: &[u8]) -> Core {
    let mut core = Core::new(listed(seeds), secret(99), start());
    core.poll(start()).unwrap();
    core
}

fn replacing(before: &Admission, after: &Admission, at: std::time::SystemTime) -> Order {
    let (before, after) = (before.clone().into(), after.clone().into());
    Order::replacing(&before, &after, NETWORK, at, &admin())
}

#[test]
fn the_listed_join_without_a_secret_and_nobody_else_does_with_one() {
    let mut core = Core::new(
        CoreConfig { join_secrets: vec![join_secret()], ..listed(&[1]) },
        secret(99),
        start(),
    );
    let without = Registration::new(node(1), NETWORK, start(), &secret(1), None);
    core.handle_register(&without, start()).unwrap();
    // With the join secret, a fresh identity is still nobody.
    let refused = register(&mut core, 2, node(2), start()).unwrap_err();
    assert_eq!(refused, Rejection::NotListed { identity: secret(2).public() });
    assert!(!refused.reason().is_permanent(), "it may be put on the list");
    assert_eq!(names(&settled(&mut core, start())), ["gateway-1"]);
}

#[test]
fn a_listed_node_is_what_it_is_listed_as() {
    let mut core = listed_core(&[1, 2]);
    let renamed = Descriptor { name: "gateway-2".to_owned(), ..node(1) };
    let promoted = Descriptor { role: Role::Provider, ..node(1) };
    let strange = Descriptor { name: "gateway-7".to_owned(), ..node(1) };
    for other in [renamed, promoted, strange] {
        let refused = register(&mut core, 1, other, start()).unwrap_err();
        assert_eq!(refused.reason(), Reason::NotListed);
        assert!(refused.to_string().contains("the gateway \"gateway-1\""), "{refused}");
    }
    // Nor does a listed one sign for another.
    let refused = core.handle_register(&registration(2, node(1), start()), start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::BadSignature);
    register(&mut core, 1, node(1), start()).unwrap();
    let moved = Descriptor { address: "10.0.0.77:1".to_owned(), ..node(1) };
    register(&mut core, 1, moved.clone(), start() + SECOND).unwrap();
    assert_eq!(settled(&mut core, start() + SECOND).nodes, [moved], "what else may change, may");
}

/// Every hop of an attacker's own, by eviction or by more identities: neither is possible.
#[test]
fn one_node_in_bad_hands_stays_one_node() {
    let mut core = listed_core(&[1, 2]);
    register(&mut core, 1, node(1), start()).unwrap();
    register(&mut core, 2, node(2), start()).unwrap();
    let later = start() + SECOND;
    for seed in 3..60 {
        let fresh =
            Descriptor { name: "gateway-1".to_owned(), address: node(1).address, ..node(seed) };
        assert!(register(&mut core, seed, fresh, later).is_err());
        assert!(register(&mut core, seed, node(seed), later).is_err());
    }
    // Not even while the honest one is away.
    leave(&mut core, 1, later).unwrap();
    let usurper = Descriptor { name: "gateway-1".to_owned(), ..node(2) };
    let refused = register(&mut core, 2, usurper, later + SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::NotListed);
    register(&mut core, 1, node(1), later + SECOND).unwrap();
    assert_eq!(names(&settled(&mut core, later + SECOND)), ["gateway-1", "gateway-2"]);
}

#[test]
fn who_drops_off_the_list_leaves_the_next_document() {
    let mut core = core();
    for seed in [1, 2, 3] {
        register(&mut core, seed, node(seed), start()).unwrap();
    }
    settled(&mut core, start());
    let now = start() + SECOND;
    core.handle_order(&replacing(&Admission::Open, &list(&[1, 2]), now), now).unwrap();
    assert_eq!(names(&settled(&mut core, now)), ["gateway-1", "gateway-2"]);
    assert_eq!(core.admission(), &list(&[1, 2]));
    assert_eq!(register(&mut core, 3, node(3), now).unwrap_err().reason(), Reason::NotListed);

    // An order that does not know the list changes nothing.
    let later = now + SECOND;
    let late = replacing(&Admission::Open, &list(&[3]), later);
    assert_eq!(core.handle_order(&late, later), Err(Rejection::Replaced));
    let open = replacing(&list(&[1, 2]), &Admission::Open, later);
    core.handle_order(&open, later).unwrap();
    register(&mut core, 3, node(3), later).unwrap();
    assert_eq!(settled(&mut core, later).nodes.len(), 3);
}

#[test]
fn a_list_and_parameters_are_replaced_apart() {
    let mut core = core();
    let before = newest(&core).parameters;
    let wrong = Order::replacing(&before.into(), &list(&[1]).into(), NETWORK, start(), &admin());
    assert_eq!(core.handle_order(&wrong, start()), Err(Rejection::Replaced));
}

#[test]
fn an_admin_removes_a_node() {
    let mut core = listed_core(&[1, 2]);
    register(&mut core, 1, node(1), start()).unwrap();
    register(&mut core, 2, node(2), start()).unwrap();
    let remove = |seed, at, admin: &IdentitySecret| {
        Order::new(&Instruction::Remove(secret(seed).public()), NETWORK, at, admin)
    };
    let now = start() + SECOND;
    let refused = core.handle_order(&remove(1, now, &secret(2)), now).unwrap_err();
    assert_eq!(refused.reason(), Reason::NotAdmin);
    core.handle_order(&remove(1, now, &admin()), now).unwrap();
    assert_eq!(names(&settled(&mut core, now)), ["gateway-2"]);
    assert_eq!(core.admission(), &list(&[2]));
    assert_eq!(register(&mut core, 1, node(1), now).unwrap_err().reason(), Reason::NotListed);
}

/// Without a list, the name of a node that lost its keys is free once an admin says so.
#[test]
fn a_removed_nodes_name_is_free() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let reborn = Descriptor { name: "gateway-1".to_owned(), ..node(2) };
    let now = start() + SECOND;
    assert!(register(&mut core, 2, reborn.clone(), now).is_err());
    let remove = Instruction::Remove(secret(1).public());
    core.handle_order(&Order::new(&remove, NETWORK, now, &admin()), now).unwrap();
    register(&mut core, 2, reborn.clone(), now).unwrap();
    assert_eq!(settled(&mut core, now).nodes, [reborn]);
}

#[test]
fn a_list_outlives_a_restart_until_the_configured_one_changes() {
    let mut before = listed_core(&[1, 2]);
    register(&mut before, 1, node(1), start()).unwrap();
    register(&mut before, 2, node(2), start()).unwrap();
    let order = replacing(&list(&[1, 2]), &list(&[1, 2, 3]), start());
    before.handle_order(&order, start()).unwrap();
    settled(&mut before, start());
    let snapshot = crate::authority::Snapshot::from_bytes(&before.snapshot().to_bytes()).unwrap();
    let now = start() + LEASE / 2;
    let same = Core::restore(listed(&[1, 2]), snapshot.clone(), now).unwrap();
    assert_eq!(same.admission(), &list(&[1, 2, 3]), "what was ordered stays");
    let mut changed = Core::restore(listed(&[2]), snapshot, now).unwrap();
    assert_eq!(changed.admission(), &list(&[2]));
    assert_eq!(names(&settled(&mut changed, now)), ["gateway-2"]);
}

#[test]
fn either_join_secret_is_good_while_one_replaces_another() {
    let next = crate::join::JoinSecret::new("the next secret of the network").unwrap();
    let join = |core: &mut Core, seed, secret: &_| {
        let identity = super::secret(seed);
        let message = Registration::new(node(seed), NETWORK, start(), &identity, Some(secret));
        core.handle_register(&message, start()).map(drop)
    };
    let both = CoreConfig { join_secrets: vec![join_secret(), next.clone()], ..config() };
    let mut core = Core::new(both, secret(99), start());
    join(&mut core, 1, &join_secret()).unwrap();
    join(&mut core, 2, &next).unwrap();
    let only_next = CoreConfig { join_secrets: vec![next.clone()], ..config() };
    let mut core = Core::restore(only_next, core.snapshot(), start()).unwrap();
    let refused = join(&mut core, 3, &join_secret()).unwrap_err();
    assert_eq!(refused.reason(), Reason::WrongJoinSecret);
    join(&mut core, 3, &next).unwrap();
    let none = CoreConfig { join_secrets: Vec::new(), ..config() };
    let mut core = Core::new(none, secret(99), start());
    let without = Registration::new(node(1), NETWORK, start(), &secret(1), None);
    let refused = core.handle_register(&without, start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::NotListed, "there is none to know: it waits for a list");
}
