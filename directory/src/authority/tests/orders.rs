//! Who may order what, and that each order counts once.

use std::time::{Duration, SystemTime};

use mixbed_wire::{Impairment, Latency};

use super::{NETWORK, SECOND, admin, config, core, secret, settled, start};
use crate::authority::{Core, CoreConfig};
use crate::document::Parameters;
use crate::document::impairment::{ImpairmentRule, MAX_IMPAIRMENTS, Selector};
use crate::identity::IdentitySecret;
use crate::messages::{Instruction, Order, Reason, Rejection};

fn slow() -> Parameters {
    Parameters { mean_hop_delay: Duration::from_secs(1), ..Parameters::default() }
}

fn signed_by(admin: &IdentitySecret, parameters: &Parameters, at: SystemTime) -> Order {
    Order::new(&parameters.clone().into(), NETWORK, at, admin)
}

fn order_of(parameters: &Parameters, at: SystemTime) -> Order {
    signed_by(&admin(), parameters, at)
}

fn replacing(replaced: &Parameters, wanted: &Parameters, at: SystemTime) -> Order {
    let (replaced, wanted) = (replaced.clone().into(), wanted.clone().into());
    Order::replacing(&replaced, &wanted, NETWORK, at, &admin())
}

#[test]
fn parameters_change_by_an_admins_order_only() {
    let mut core = core();
    let order = order_of(&slow(), start());
    assert_eq!(core.handle_order(&order, start()), Ok(Instruction::Parameters(slow())));
    assert_eq!(settled(&mut core, start()).parameters, slow());
    let again = core.handle_order(&order, start() + SECOND);
    assert_eq!(again, Err(Rejection::Replayed));

    let absurd = Parameters { mean_hop_delay: Duration::from_secs(3600), ..slow() };
    let order = order_of(&absurd, start() + SECOND);
    let refused = core.handle_order(&order, start() + SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::Malformed);
    let elsewhere = Order::new(&slow().into(), "mainnet", start() + SECOND, &admin());
    let refused = core.handle_order(&elsewhere, start() + SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::WrongNetwork);
}

/// What a node has, the join secret and an identity that is listed, orders nothing: neither that
/// a gateway drops all but one client's packets, nor that nobody waits.
#[test]
fn a_node_orders_nothing() {
    let mut core = core();
    super::register(&mut core, 1, super::node(1), start()).unwrap();
    let only_from = ImpairmentRule {
        only_from: Some(Selector::Named("mix-6".to_owned())),
        ..ImpairmentRule::of(Selector::Named("gateway-1".to_owned()), Impairment::NONE)
    };
    let alone = Parameters { impairments: vec![only_from], ..Parameters::default() };
    let at_once = Parameters { mean_hop_delay: Duration::ZERO, ..Parameters::default() };
    let before = settled(&mut core, start()).parameters;
    for wanted in [alone, at_once] {
        assert!(wanted.validate().is_ok());
        let refused = core.handle_order(&signed_by(&secret(1), &wanted, start()), start());
        let refused = refused.unwrap_err();
        assert_eq!(refused.reason(), Reason::NotAdmin);
        assert!(refused.reason().is_permanent());
        // Nor in an admin's name.
        let forged = Order { admin: admin().public(), ..signed_by(&secret(1), &wanted, start()) };
        assert_eq!(core.handle_order(&forged, start()), Err(Rejection::BadSignature));
    }
    assert_eq!(settled(&mut core, start()).parameters, before);
}

#[test]
fn of_several_admins_each_may_order_and_without_one_nobody_may() {
    let (old, new) = (admin(), secret(78));
    let both = CoreConfig { admins: vec![old.public(), new.public()], ..config() };
    let mut core = Core::new(both, secret(99), start());
    core.handle_order(&signed_by(&old, &slow(), start()), start()).unwrap();
    let later = start() + SECOND;
    core.handle_order(&signed_by(&new, &Parameters::default(), later), later).unwrap();
    let only_new = CoreConfig { admins: vec![new.public()], ..config() };
    let mut core = Core::restore(only_new, core.snapshot(), later).unwrap();
    let later = later + SECOND;
    let refused = core.handle_order(&signed_by(&old, &slow(), later), later).unwrap_err();
    assert_eq!(refused.reason(), Reason::NotAdmin);
    let nobody = CoreConfig { admins: Vec::new(), ..config() };
    let mut core = Core::new(nobody, secret(99), start());
    let refused = core.handle_order(&order_of(&slow(), start()), start()).unwrap_err();
    assert_eq!(refused.reason(), Reason::NotAdmin);
}

#[test]
fn a_flipped_bit_anywhere_is_no_order() {
    let good = order_of(&slow(), start());
    let mut core = core();
    for bit in 0..good.bytes.len() * 8 {
        let mut bad = good.clone();
        bad.bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(core.handle_order(&bad, start()), Err(Rejection::BadSignature), "bit {bit}");
    }
    assert!(core.handle_order(&good, start()).is_ok());
}

#[test]
fn an_order_that_knows_what_it_replaces_undoes_nobody_else() {
    let mut core = core();
    let before = Parameters::default();
    let delay = |ms| Parameters { mean_hop_delay: Duration::from_millis(ms), ..before.clone() };
    let order = |replaced: &Parameters, wanted: &Parameters, at| replacing(replaced, wanted, at);
    core.handle_order(&order(&before, &delay(20), start()), start()).unwrap();
    let late = order(&before, &delay(30), start() + SECOND);
    let refused = core.handle_order(&late, start() + SECOND);
    assert_eq!(refused, Err(Rejection::Replaced));
    let informed = order(&delay(20), &delay(30), start() + SECOND);
    core.handle_order(&informed, start() + SECOND).unwrap();
    assert_eq!(settled(&mut core, start() + SECOND).parameters, delay(30));
}

#[test]
fn operators_whose_clocks_differ_change_parameters_in_turn() {
    let mut core = core();
    let delay =
        |ms| Parameters { mean_hop_delay: Duration::from_millis(ms), ..Parameters::default() };
    let order = |from, to, at| replacing(&delay(from), &delay(to), at);
    // The second one's clock is half a minute behind.
    let first = order(50, 20, start() + 30 * SECOND);
    let second = order(20, 50, start());
    let now = start() + 31 * SECOND;
    core.handle_order(&first, now).unwrap();
    core.handle_order(&second, now).unwrap();
    assert_eq!(settled(&mut core, now).parameters, delay(50));
    // What they replace holds again, and still each order counts once.
    assert_eq!(core.handle_order(&first, now), Err(Rejection::Replayed));
    let snapshot = core.snapshot();
    let mut restarted = Core::restore(config(), snapshot, now).unwrap();
    assert_eq!(restarted.handle_order(&first, now), Err(Rejection::Replayed));
    restarted.handle_order(&order(50, 20, now), now).unwrap();
    // One that replaces whatever there is has to be the newest.
    let blind = order_of(&delay(1), start());
    assert_eq!(restarted.handle_order(&blind, now), Err(Rejection::Replayed));
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
            replacing(&delay(from), &delay(to), at)
        })
        .collect();
    let now = start() + 6 * SECOND;
    for order in &orders {
        core.handle_order(order, now).unwrap();
    }
    for order in orders.iter().step_by(2) {
        assert_eq!(core.handle_order(order, now), Err(Rejection::Replayed));
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
    let order = order_of(&parameters, start());
    core.handle_order(&order, start()).unwrap();
    assert_eq!(settled(&mut core, start()).parameters, parameters);
}
