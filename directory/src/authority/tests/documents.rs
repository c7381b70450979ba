//! When documents are made, and for which epoch.

use std::time::Duration;

use super::{LEASE, NETWORK, SECOND, admin, core, newest, node, register, settled, start};
use crate::authority::{DEBOUNCE, GRACE_EPOCHS};
use crate::document::{Descriptor, Parameters, Trust};
use crate::limits::TOLERATED_SKEW;
use crate::messages::{Order, Reason};

const EPOCH: Duration = Duration::from_secs(600);

#[test]
fn the_first_document_is_there_at_once() {
    let core = core();
    let document = newest(&core);
    assert_eq!(document.version(), (1, 1));
    assert_eq!(document.valid_from, start());
    assert_eq!(document.epoch_end, start() + EPOCH);
    assert_eq!(document.valid_until, start() + EPOCH * (1 + GRACE_EPOCHS));
    let trust = Trust::single(NETWORK, core.public_key());
    let signed = &core.documents().back().unwrap().signed;
    assert_eq!(signed.verify(&trust, start(), Duration::ZERO), Ok(document));
}

#[test]
fn changes_that_come_together_make_one_document() {
    let mut core = core();
    for seed in 1..=9 {
        register(&mut core, seed, node(seed), start()).unwrap();
        assert!(!core.poll(start()).unwrap().issued);
    }
    assert_eq!(core.poll_at(), start() + DEBOUNCE);
    assert!(core.poll(start() + DEBOUNCE).unwrap().issued);
    assert_eq!(newest(&core).version(), (1, 2));
    assert_eq!(newest(&core).nodes.len(), 9);
    assert!(!core.poll(start() + SECOND).unwrap().issued, "nothing changed since");
}

#[test]
fn a_change_that_never_rests_is_not_put_off() {
    let mut core = core();
    for step in 0..u8::try_from(DEBOUNCE.as_millis()).unwrap() {
        let now = start() + Duration::from_millis(step.into());
        register(&mut core, step + 1, node(step + 1), now).unwrap();
        assert!(!core.poll(now).unwrap().issued);
    }
    assert!(core.poll(start() + DEBOUNCE).unwrap().issued);
}

#[test]
fn each_epoch_has_a_document() {
    let mut core = core();
    assert_eq!(core.poll_at(), start() + EPOCH);
    assert!(!core.poll(start() + EPOCH - SECOND).unwrap().issued);
    assert!(core.poll(start() + EPOCH).unwrap().issued);
    let document = newest(&core);
    assert_eq!(document.version(), (2, 2));
    assert_eq!(document.valid_from, start() + EPOCH);
    // Away for a while: it is the epoch that the clock says.
    assert!(core.poll(start() + EPOCH * 7 + SECOND).unwrap().issued);
    assert_eq!(newest(&core).version(), (8, 3));
}

#[test]
fn versions_rise_with_every_document() {
    let mut core = core();
    let mut now = start();
    let mut last = newest(&core).version();
    for round in 1..=40 {
        now += EPOCH / 3;
        register(&mut core, round, node(round), now).unwrap();
        let version = settled(&mut core, now).version();
        assert!(version > last, "{version:?} after {last:?}");
        last = version;
    }
}

#[test]
fn documents_are_served_as_long_as_they_are_valid() {
    let mut core = core();
    for epoch in 1..=10 {
        core.poll(start() + EPOCH * epoch).unwrap();
    }
    let epochs: Vec<_> = core.documents().iter().map(|issued| issued.document.epoch).collect();
    assert_eq!(epochs, [8, 9, 10, 11], "its own epoch and three of grace");
}

#[test]
fn another_epoch_length_holds_from_the_next_epoch_on() {
    let mut core = core();
    let short = Parameters { epoch_length: SECOND, ..Parameters::default() };
    let order = Order::new(&short.clone().into(), NETWORK, start() + LEASE, &admin());
    core.handle_order(&order, start() + LEASE).unwrap();
    let document = settled(&mut core, start() + LEASE);
    assert_eq!((document.epoch, document.epoch_end), (1, start() + EPOCH));
    core.poll(start() + EPOCH).unwrap();
    let document = newest(&core);
    assert_eq!((document.epoch, document.epoch_end), (2, start() + EPOCH + SECOND));
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let mut core = core();
    core.poll(start() + EPOCH).unwrap();
    let before = start() - Duration::from_secs(3600);
    register(&mut core, 1, node(1), before).unwrap();
    let document = settled(&mut core, before);
    assert_eq!(document.version(), (3, 3));
    assert_eq!(document.nodes, [node(1)]);
    let trust = Trust::single(NETWORK, core.public_key());
    let signed = core.documents().back().unwrap().signed.clone();
    assert_eq!(signed.verify(&trust, before, TOLERATED_SKEW), Ok(document));
}

#[test]
fn a_clock_that_jumps_ahead_and_back_while_it_runs_does_no_lasting_harm() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let right = settled(&mut core, start());
    let ahead = start() + 1000 * EPOCH;
    core.handle_jump(ahead);
    let polled = core.poll(ahead).unwrap();
    assert_eq!((polled.expired.len(), polled.set_back), (0, None), "nobody could renew a lease");
    let wrong = newest(&core);
    assert_eq!(wrong.epoch, right.epoch + 1000);
    register(&mut core, 1, node(1), ahead).unwrap();

    let now = start() + SECOND;
    let polled = core.poll(now).unwrap();
    assert_eq!(polled.set_back, wrong.valid_from.duration_since(now).ok());
    let document = settled(&mut core, now);
    assert!(document.version() > wrong.version(), "nobody takes it for an old one");
    let trust = Trust::single(NETWORK, core.public_key());
    let signed = core.documents().back().unwrap().signed.clone();
    assert_eq!(signed.verify(&trust, now, Duration::ZERO), Ok(document));
    register(&mut core, 1, node(1), now + SECOND).expect("what it sent meanwhile is no obstacle");
    assert_eq!(core.poll(now + SECOND + LEASE).unwrap().expired, [node(1)]);
    assert_eq!(core.poll(now + SECOND).unwrap().set_back, None, "it is said once");
}

/// One node that registers with something else each time, and one that comes and goes.
#[test]
fn one_identity_does_not_have_documents_made_at_will() {
    let mut core = core();
    register(&mut core, 1, node(1), start()).unwrap();
    let before = settled(&mut core, start()).revision;
    let (mut now, mut refused) = (start() + SECOND, 0);
    let mut versions = ["a", "b"].iter().cycle();
    while now < start() + 2 * SECOND {
        let version = (*versions.next().unwrap()).to_owned();
        let changed = register(&mut core, 1, Descriptor { version, ..node(1) }, now);
        if let Err(rejection) = changed {
            assert_eq!(rejection.reason(), Reason::TooSoon);
            assert!(!rejection.reason().is_permanent());
            refused += 1;
        }
        now += Duration::from_millis(25);
        core.poll(now).unwrap();
    }
    let made = newest(&core).revision - before;
    // Every other one says what is listed, and only renews.
    assert!(made <= 2 && refused >= 19, "{made} documents, {refused} refused");

    // In a minute: one each ten seconds.
    let (before, end) = (newest(&core).revision, now + Duration::from_secs(50));
    while now < end {
        let _ = super::leave(&mut core, 1, now);
        let _ = register(&mut core, 1, node(1), now + Duration::from_millis(1));
        now += Duration::from_millis(25);
        core.poll(now).unwrap();
    }
    let made = newest(&core).revision - before;
    assert!(made <= 2 * 6, "{made} documents in 50 s");
    // It is listed still, or again.
    let now = end + Duration::from_secs(30);
    register(&mut core, 1, node(1), now).unwrap();
    assert_eq!(settled(&mut core, now).nodes.len(), 1);
}

/// However many identities there are: those who follow hear of ten changes at once, then of one a
/// second, with all that has changed.
#[test]
fn many_identities_have_one_document_a_second_made() {
    let mut core = core();
    let before = newest(&core).revision;
    let mut now = start() + SECOND;
    for seed in 1..=90 {
        register(&mut core, seed, node(seed), now).unwrap();
        now += Duration::from_millis(100);
        core.poll(now).unwrap();
    }
    let made = newest(&core).revision - before;
    assert!((15..=20).contains(&made), "{made} documents in 9 s");
    assert!(core.poll_at() <= now + SECOND);
    let now = core.poll_at().max(now);
    core.poll(now).unwrap();
    assert_eq!(newest(&core).nodes.len(), 90);
    assert!(!core.is_pending());
}
