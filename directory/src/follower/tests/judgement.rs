//! What is taken over, what is refused, and what the state says of it.

use std::time::{Duration, SystemTime};

use super::{HOUR, authority, document, sign, trust};
use crate::document::{DocumentError, Parameters};
use crate::follower::{FollowerCore, FollowerState, Refusal};
use crate::time::from_millis;

const SKEW: Duration = Duration::from_secs(10);

fn start() -> SystemTime {
    from_millis(1_700_000_000_000).unwrap()
}

fn core() -> FollowerCore {
    FollowerCore::new(trust(), SKEW, start())
}

/// A follower that has the document of epoch 5, revision 50.
fn following() -> FollowerCore {
    let mut core = core();
    assert_eq!(core.handle_document(sign(&document(5, 50, start())), start()), Ok(true));
    assert_eq!(core.state(start()), FollowerState::Following);
    core
}

fn version(core: &FollowerCore) -> (u64, u64) {
    core.last().unwrap().version()
}

fn stale_because(core: &FollowerCore, now: SystemTime) -> String {
    match core.state(now) {
        FollowerState::Stale { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_document_it_connects_and_says_what_went_wrong() {
    let mut core = core();
    let connecting = |last_error| FollowerState::Connecting { since: start(), last_error };
    assert_eq!(core.state(start()), connecting(None));
    core.handle_lost("refused".to_owned(), start() + SKEW);
    core.handle_lost("refused again".to_owned(), start() + 2 * SKEW);
    assert_eq!(core.state(start() + HOUR), connecting(Some("refused again".to_owned())));
    assert_eq!(core.poll_at(start()), None);
}

#[test]
fn newer_documents_replace_older_ones_and_never_the_reverse() {
    let mut core = following();
    let take = |core: &mut FollowerCore, epoch, revision| {
        core.handle_document(sign(&document(epoch, revision, start())), start())
    };
    assert_eq!(take(&mut core, 5, 50), Ok(false), "the same one again");
    assert_eq!(take(&mut core, 5, 51), Ok(true));
    assert_eq!(take(&mut core, 6, 52), Ok(true));
    let older = take(&mut core, 5, 53);
    assert_eq!(older, Err(Refusal::Rollback { theirs: (5, 53), ours: (6, 52) }));
    assert_eq!(version(&core), (6, 52));
    assert!(stale_because(&core, start()).contains("older than the known"));
}

#[test]
fn two_documents_with_one_number_are_a_lie() {
    let mut core = following();
    let parameters = Parameters { tracing_allowed: true, ..Parameters::default() };
    let other = crate::Document { parameters, ..document(5, 50, start()) };
    let refused = core.handle_document(sign(&other), start());
    assert_eq!(refused, Err(Refusal::Forked { version: (5, 50) }));
    assert!(!core.last().unwrap().parameters.tracing_allowed);
}

#[test]
fn a_bad_document_is_said_and_the_good_one_kept() {
    let mut core = following();
    let mut flipped = sign(&document(6, 60, start()));
    flipped.bytes[3] ^= 1;
    let now = start() + SKEW;
    let key = authority().public();
    let refused = core.handle_document(flipped, now);
    assert_eq!(refused, Err(DocumentError::BadSignature { key }.into()));
    assert_eq!(version(&core), (5, 50));
    match core.state(now) {
        FollowerState::Stale { since, why } => {
            assert_eq!(since, now);
            assert!(why.contains("altered"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(core.handle_document(sign(&document(6, 60, start())), now), Ok(true));
    assert_eq!(core.state(now), FollowerState::Following);
}

#[test]
fn an_absent_directory_makes_it_stale_and_in_the_end_expired() {
    let mut core = following();
    let lost = start() + SKEW;
    core.handle_lost("connection refused".to_owned(), lost);
    let why = "connection refused".to_owned();
    let stale = FollowerState::Stale { since: lost, why: why.clone() };
    assert_eq!(core.state(lost), stale);
    let end = start() + 4 * HOUR;
    assert_eq!(core.state(end + SKEW - Duration::from_millis(1)), stale);
    let expired = FollowerState::Expired { since: end, why };
    assert_eq!(core.state(end + SKEW), expired);
    let new = sign(&document(9, 90, end));
    assert_eq!(core.handle_document(new, end + SKEW), Ok(true), "it recovers");
    assert_eq!(core.state(end + SKEW), FollowerState::Following);
}

#[test]
fn a_directory_that_is_there_but_silent_makes_it_stale_too() {
    let core = following();
    let due = start() + HOUR + SKEW;
    assert_eq!(core.poll_at(start()), Some(start() + HOUR), "another epoch, by the clock");
    assert_eq!(core.poll_at(start() + HOUR), Some(due));
    assert_eq!(core.state(due - Duration::from_millis(1)), FollowerState::Following);
    assert!(stale_because(&core, due).contains("no document after it"));
    let expiry = start() + 4 * HOUR + SKEW;
    assert_eq!(core.poll_at(start() + 3 * HOUR), Some(expiry));
    assert!(matches!(core.state(expiry), FollowerState::Expired { .. }));
    assert_eq!(core.poll_at(expiry), None);
}

#[test]
fn a_kept_document_is_used_but_nobody_is_followed_yet() {
    let mut core = core();
    core.handle_kept(sign(&document(5, 50, start())), start()).unwrap();
    assert_eq!(version(&core), (5, 50));
    assert!(stale_because(&core, start()).contains("not connected yet"));
    let older = core.handle_document(sign(&document(5, 49, start())), start());
    assert!(matches!(older, Err(Refusal::Rollback { .. })), "it guards against rollback");
    assert_eq!(core.handle_document(sign(&document(5, 50, start())), start()), Ok(false));
    assert_eq!(core.state(start()), FollowerState::Following);
}
