//! What a restart keeps, and what a damaged file does.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::{
    LEASE, NETWORK, SECOND, admin, config, core, leave, names, newest, node, register,
    registration, settled, start,
};
use crate::authority::{Core, CoreConfig, Store, StoreError};
use crate::document::{Parameters, Trust};
use crate::messages::{Order, Reason};

fn saved(dir: &Path, core: &Core) {
    Store::open(dir).unwrap().save(&core.snapshot()).unwrap();
}

fn restored(dir: &Path, config: CoreConfig, now: std::time::SystemTime) -> Core {
    let snapshot = Store::open(dir).unwrap().load().unwrap().unwrap();
    let mut core = Core::restore(config, snapshot, now).unwrap();
    core.poll(now).unwrap();
    core
}

#[test]
fn a_new_directory_has_no_state() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Store::open(&dir.path().join("made/for/it")).unwrap().load().unwrap().is_none());
}

#[test]
fn a_restart_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = core();
    register(&mut before, 1, node(1), start()).unwrap();
    register(&mut before, 2, node(2), start()).unwrap();
    let document = settled(&mut before, start());
    assert!(before.is_unsaved());
    saved(dir.path(), &before);

    let now = start() + SECOND;
    let mut after = restored(dir.path(), config(), now);
    assert_eq!(after.public_key(), before.public_key());
    assert_eq!(after.documents(), before.documents(), "the same signed bytes, at once");
    assert!(!after.is_unsaved());
    register(&mut after, 3, node(3), now).unwrap();
    let next = settled(&mut after, now);
    assert_eq!(next.version(), (1, document.revision + 1));
    assert_eq!(names(&next), ["gateway-1", "gateway-2", "gateway-3"]);
}

#[test]
fn a_change_without_a_document_gets_one_after_the_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = core();
    register(&mut before, 1, node(1), start()).unwrap();
    saved(dir.path(), &before);
    let mut after = restored(dir.path(), config(), start() + SECOND);
    assert_eq!(names(&settled(&mut after, start() + SECOND)), ["gateway-1"]);
}

#[test]
fn after_a_long_absence_nodes_get_a_lease_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = core();
    register(&mut before, 1, node(1), start()).unwrap();
    settled(&mut before, start());
    saved(dir.path(), &before);
    let now = start() + 100 * LEASE;
    let mut after = restored(dir.path(), config(), now);
    assert_eq!(newest(&after).epoch, 11);
    assert_eq!(names(&newest(&after)), ["gateway-1"]);
    assert!(after.poll(now + LEASE - SECOND).unwrap().expired.is_empty());
    assert_eq!(after.poll(now + LEASE).unwrap().expired, [node(1)]);
}

#[test]
fn a_clock_that_was_ahead_for_a_while_does_no_lasting_harm() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = core();
    let ahead = start() + Duration::from_secs(365 * 24 * 3600);
    before.poll(ahead).unwrap();
    register(&mut before, 1, node(1), ahead).unwrap();
    let order = |at| Order::new(&Parameters::default().into(), NETWORK, at, &admin());
    before.handle_order(&order(ahead), ahead).unwrap();
    let wrong = settled(&mut before, ahead);
    saved(dir.path(), &before);

    let now = start() + LEASE;
    let mut after = restored(dir.path(), config(), now);
    let document = settled(&mut after, now);
    assert!(document.version() > wrong.version(), "nobody takes it for an old one");
    let trust = Trust::single(NETWORK, after.public_key());
    let signed = &after.documents().back().unwrap().signed;
    assert_eq!(signed.verify(&trust, now, Duration::ZERO).as_ref(), Ok(&document));
    assert!(after.documents().iter().all(|issued| issued.document.valid_from <= now));
    let later = now + SECOND;
    register(&mut after, 1, node(1), later).unwrap();
    after.handle_order(&order(later), later).unwrap();
    assert!(after.poll_at() < now + 2 * LEASE);
    assert_eq!(after.poll(later + LEASE).unwrap().expired, [node(1)]);
    after.poll(document.epoch_end).unwrap();
    assert_eq!(newest(&after).epoch, document.epoch + 1);
}

#[test]
fn a_message_is_not_good_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = core();
    let first = registration(1, node(1), start());
    before.handle_register(&first, start()).unwrap();
    leave(&mut before, 1, start() + SECOND).unwrap();
    settled(&mut before, start() + SECOND);
    saved(dir.path(), &before);
    let mut after = restored(dir.path(), config(), start() + SECOND);
    let refused = after.handle_register(&first, start() + 2 * SECOND).unwrap_err();
    assert_eq!(refused.reason(), Reason::Replayed);
}

#[test]
fn parameters_set_at_run_time_last_until_the_configured_ones_change() {
    let dir = tempfile::tempdir().unwrap();
    let with_delay =
        |ms| Parameters { mean_hop_delay: Duration::from_millis(ms), ..Parameters::default() };
    let mut before = core();
    let order = Order::new(&with_delay(7).into(), NETWORK, start(), &admin());
    before.handle_order(&order, start()).unwrap();
    settled(&mut before, start());
    saved(dir.path(), &before);

    let after = restored(dir.path(), config(), start() + SECOND);
    assert_eq!(newest(&after).parameters, with_delay(7));
    let reconfigured = CoreConfig { parameters: with_delay(9), ..config() };
    let mut after = restored(dir.path(), reconfigured, start() + SECOND);
    assert_eq!(settled(&mut after, start() + SECOND).parameters, with_delay(9));
    assert_eq!(
        after.handle_order(&order, start() + SECOND).unwrap_err().reason(),
        Reason::Replayed
    );
}

#[test]
fn the_file_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    saved(&state, &core());
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state.join("authority.redb")), 0o600);
    assert_eq!(mode(&state), 0o700);
}

#[test]
fn a_state_in_use_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Store::open(dir.path()).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }));
    assert!(error.to_string().contains("is a directory running already"));
}

#[test]
fn what_is_no_state_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("authority.redb");
    std::fs::write(&path, "these are not the bytes of a database".repeat(100)).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("is damaged"));
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.starts_with("these are not"), "and it is left as it was");
}

#[test]
fn a_truncated_state_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    saved(dir.path(), &core());
    let path = dir.path().join("authority.redb");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
    let error = Store::open(dir.path()).and_then(|store| store.load()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is damaged is noticed, or was of no importance.
    #[test]
    fn a_damaged_state_is_refused_or_the_same(
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
        length in 1..64_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut before = core();
        register(&mut before, 1, node(1), start()).unwrap();
        settled(&mut before, start());
        saved(dir.path(), &before);
        let path = dir.path().join("authority.redb");
        let mut bytes = std::fs::read(&path).unwrap();
        // What is used of the file stands at its start.
        let at = at.index(64 << 10);
        for byte in bytes.iter_mut().skip(at).take(length) {
            *byte ^= flip;
        }
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(loaded) = Store::open(dir.path()).and_then(|store| store.load()) {
            let snapshot = loaded.expect("a network that is there is not begun anew");
            prop_assert_eq!(&snapshot.documents, &before.snapshot().documents);
            prop_assert_eq!(snapshot.members, before.snapshot().members);
        }
    }
}
