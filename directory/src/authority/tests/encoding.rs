//! A snapshot as bytes.

use std::time::Duration;

use proptest::prelude::*;

use super::{SECOND, admin, config, core, leave, newest, node, register, settled, start};
use crate::authority::{Core, Snapshot, SnapshotError};
use crate::document::Parameters;
use crate::messages::{Order, Reason};

/// A network with a past: nodes that came and went, changed parameters, several epochs.
fn lived() -> Core {
    let mut core = core();
    for seed in 1..=3 {
        register(&mut core, seed, node(seed), start()).unwrap();
    }
    settled(&mut core, start());
    let slow = Parameters { mean_hop_delay: SECOND, ..Parameters::default() };
    let order = Order::new(&slow.into(), super::NETWORK, start(), &admin());
    core.handle_order(&order, start()).unwrap();
    leave(&mut core, 2, start() + SECOND).unwrap();
    let next = settled(&mut core, start() + SECOND).epoch_end;
    for seed in [1, 3] {
        register(&mut core, seed, node(seed), next).unwrap();
    }
    core.poll(next).unwrap();
    core
}

#[test]
fn bytes_are_the_snapshot() {
    for core in [core(), lived()] {
        let snapshot = core.snapshot();
        let bytes = snapshot.to_bytes();
        let again = Snapshot::from_bytes(&bytes).unwrap();
        assert_eq!(again.to_bytes(), bytes, "one encoding");
        assert_eq!(again.secret.public(), snapshot.secret.public());
        assert_eq!(
            (again.network, again.epochs, again.revision, again.configured, again.parameters),
            (
                snapshot.network,
                snapshot.epochs,
                snapshot.revision,
                snapshot.configured,
                snapshot.parameters
            )
        );
        assert_eq!(
            (again.last_order, again.members, again.seen, again.documents),
            (snapshot.last_order, snapshot.members, snapshot.seen, snapshot.documents)
        );
    }
}

#[test]
fn a_restart_from_bytes_contradicts_nothing() {
    let before = lived();
    let now = before.documents().back().unwrap().document.valid_from + SECOND;
    let snapshot = Snapshot::from_bytes(&before.snapshot().to_bytes()).unwrap();
    let mut after = Core::restore(config(), snapshot, now).unwrap();
    after.poll(now).unwrap();
    assert_eq!(after.documents(), before.documents(), "the same signed bytes, at once");
    assert!(!after.is_unsaved());
    let replayed = register(&mut after, 1, node(1), now - SECOND).unwrap_err();
    assert_eq!(replayed.reason(), Reason::Replayed);
    leave(&mut after, 1, now).unwrap();
    assert_eq!(settled(&mut after, now).revision, newest(&before).revision + 1);
}

#[test]
fn what_is_no_snapshot_is_said_to_be() {
    let bytes = lived().snapshot().to_bytes();
    let refused = |bytes: &[u8]| Snapshot::from_bytes(bytes).unwrap_err();
    assert_eq!(refused(b""), SnapshotError::Foreign);
    assert_eq!(refused(b"mixbed authority"), SnapshotError::Foreign);
    assert_eq!(refused(&[0; 100]), SnapshotError::Foreign);
    let mut other = bytes.to_vec();
    other[16] = 9;
    assert_eq!(refused(&other), SnapshotError::Format(9));
    for length in [17, 20, 49, bytes.len() - 1] {
        assert!(matches!(refused(&bytes[..length]), SnapshotError::Damaged(_)), "{length}");
    }
}

/// Whoever can write the value can write the digest, too.
#[test]
fn what_cannot_be_is_refused_with_a_right_digest() {
    let good = lived().snapshot();
    let refused = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = good.clone();
        change(&mut snapshot);
        Snapshot::from_bytes(&snapshot.to_bytes()).unwrap_err()
    };
    let damaged = [
        refused(&|s| s.network = "Not a name".to_owned()),
        refused(&|s| s.secret = super::secret(7)),
        refused(&|s| s.epochs.number = 0),
        refused(&|s| s.epochs.end = s.epochs.start),
        refused(&|s| s.epochs.length = Duration::ZERO),
        refused(&|s| s.revision = 1),
        refused(&|s| s.documents.reverse()),
        refused(&|s| s.parameters.epoch_length = Duration::ZERO),
        refused(&|s| s.members[0].descriptor.name = String::new()),
        refused(&|s| s.members = vec![s.members[0].clone(); 1001]),
    ];
    for error in damaged {
        assert!(matches!(error, SnapshotError::Damaged(_)), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_change_is_noticed(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut bytes = lived().snapshot().to_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(Snapshot::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Snapshot::from_bytes(&bytes);
    }
}
