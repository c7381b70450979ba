//! Clocks that differ: which epoch it is then, and who is told.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::{HOUR, document, sign, trust};
use crate::clock::ClockOffset;
use crate::document::Parameters;
use crate::follower::{FollowerCore, FollowerState, Refusal};
use crate::limits::KEYS_AHEAD;
use crate::time::from_millis;
use crate::{Document, SignedDocument};

const SKEW: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn start() -> SystemTime {
    from_millis(1_700_000_000_000).unwrap()
}

fn core() -> FollowerCore {
    FollowerCore::new(trust(), SKEW, start())
}

/// The document of an epoch of this length that begins when the directory's clock shows `start`.
fn of_length(epoch: u64, length: Duration, start: SystemTime) -> SignedDocument {
    sign(&Document {
        epoch_end: start + length,
        valid_until: start + 4 * length,
        parameters: Parameters { epoch_length: length, ..Parameters::default() },
        ..document(epoch, epoch, start)
    })
}

/// What a clock shows that is so many milliseconds ahead.
fn shown(at: SystemTime, ahead: i64) -> SystemTime {
    let by = Duration::from_millis(ahead.unsigned_abs());
    if ahead < 0 { at - by } else { at + by }
}

#[test]
fn without_the_directory_epochs_go_on_by_the_clock_until_the_document_expires() {
    let mut core = core();
    assert_eq!(core.epoch(start()), None);
    core.handle_document(of_length(5, HOUR, start()), start()).unwrap();
    core.handle_lost("connection refused".to_owned(), start() + SECOND);
    let mut seen = vec![(start(), core.epoch(start()).unwrap())];
    let mut now = start();
    while let Some(next) = core.poll_at(now) {
        now = next;
        let epoch = core.epoch(now).unwrap();
        if epoch != seen.last().unwrap().1 {
            seen.push((now, epoch));
        }
    }
    let expected = [0, 1, 2, 3].map(|n: u32| (start() + n * HOUR, 5 + u64::from(n)));
    assert_eq!(seen, expected, "each epoch begins when it is due");
    assert!(matches!(core.state(now), FollowerState::Expired { .. }));
}

#[test]
fn a_clock_that_is_too_far_off_stops_the_follower_by_name() {
    for ahead in [75_000, -9_999_i64, 10_001, -10_001] {
        let mut core = core();
        // Late enough in the epoch for the document to be valid by either clock.
        let (directory, own) = (start() + HOUR / 2, shown(start() + HOUR / 2, ahead));
        core.handle_time(directory, own);
        core.handle_document(of_length(5, HOUR, start()), own).unwrap();
        assert_eq!(core.clock().map(ClockOffset::millis), Some(ahead));
        let state = core.state(own);
        if ahead.unsigned_abs() <= 10_000 {
            assert_eq!(state, FollowerState::Following);
        } else {
            assert!(matches!(state, FollowerState::Skewed { .. }), "{ahead}: {state}");
            assert!(!state.is_following() && !state.is_usable(), "{ahead}: {state}");
        }
    }
    let mut core = core();
    core.handle_time(start() + HOUR / 2, start() + HOUR / 2 + 75 * SECOND);
    core.handle_document(of_length(5, HOUR, start()), start() + HOUR / 2).unwrap();
    let words = core.state(start() + HOUR / 2).to_string();
    assert!(words.contains("75.0 s ahead of the directory's"), "{words}");
    assert!(words.contains("set the clock"), "{words}");
    // Not connected, it stays so; set right, it goes on.
    core.handle_lost("cut".to_owned(), start() + HOUR / 2);
    assert!(matches!(core.state(start() + HOUR / 2), FollowerState::Skewed { .. }));
    core.handle_time(start() + HOUR / 2, start() + HOUR / 2);
    core.handle_document(of_length(5, HOUR, start()), start() + HOUR / 2).unwrap();
    assert_eq!(core.state(start() + HOUR / 2), FollowerState::Following);
}

#[test]
fn a_document_refused_for_its_time_names_the_clock_that_is_off() {
    for (ahead, way) in [(-75_000, "75.0 s behind"), (75_000, "75.0 s ahead of")] {
        let mut core = core();
        let own = shown(start(), ahead);
        core.handle_time(start(), own);
        let refused = core.handle_document(of_length(5, SECOND, start()), own).unwrap_err();
        assert!(matches!(refused, Refusal::Clock { .. }), "{refused}");
        assert!(refused.to_string().contains(way), "{refused}");
        let state = core.state(own).to_string();
        assert!(state.contains(way), "{state}");
    }
    // The directory's clock agrees: then it is its document that is old.
    let mut core = core();
    let late = start() + HOUR;
    core.handle_time(late, late);
    let refused = core.handle_document(of_length(5, SECOND, start()), late).unwrap_err();
    assert!(matches!(refused, Refusal::Document(_)), "{refused}");
}

/// Whoever seals with the next epoch's keys while nobody else does is known by that to every node
/// on the way.
#[test]
fn a_lie_about_the_time_moves_nobody_to_other_keys() {
    let end = start() + HOUR;
    for lie in [start() - 1000 * HOUR, end, end + HOUR, start() + 1000 * HOUR] {
        let mut core = core();
        core.handle_time(lie, start());
        core.handle_document(of_length(5, HOUR, start()), start()).unwrap();
        assert_eq!(core.epoch(start()), Some(5));
        assert!(!core.state(start()).is_usable(), "{}", core.state(start()));
    }
    // A lie that is tolerated moves the turn by as little, and by no more.
    let mut core = core();
    core.handle_time(start() + SKEW, start());
    core.handle_document(of_length(5, HOUR, start()), start()).unwrap();
    assert_eq!(core.epoch(end - SKEW - Duration::from_millis(1)), Some(5));
    assert_eq!(core.epoch(end - SKEW), Some(6));
}

#[test]
fn a_directory_that_makes_no_new_document_holds_no_epoch() {
    for ahead in [0, -9_000, 9_000] {
        let mut core = core();
        let hear = |core: &mut FollowerCore, at: SystemTime| {
            core.handle_time(at, shown(at, ahead));
            core.handle_document(of_length(5, HOUR, start()), shown(at, ahead)).unwrap();
        };
        hear(&mut core, start() + HOUR / 2);
        // It is there, and the connection made again and again.
        for (at, epoch) in [(0.9, 5), (1.1, 6), (1.5, 6), (2.1, 7), (2.9, 7), (3.1, 8)] {
            let at = start() + HOUR.mul_f64(at);
            hear(&mut core, at);
            assert_eq!(core.epoch(shown(at, ahead)), Some(epoch), "{ahead} ms ahead");
            let stale = matches!(core.state(shown(at, ahead)), FollowerState::Stale { .. });
            assert_eq!(stale, epoch > 5, "{ahead} ms ahead, epoch {epoch}");
        }
    }
}

#[test]
fn who_comes_when_the_directory_makes_no_new_document_knows_the_epoch_too() {
    for ahead in [0, -9_000, 9_000] {
        for kept in [false, true] {
            let mut core = core();
            let at = start() + HOUR.mul_f64(1.5);
            if kept {
                core.handle_kept(of_length(5, HOUR, start()), shown(at, ahead)).unwrap();
            }
            core.handle_time(at, shown(at, ahead));
            core.handle_document(of_length(5, HOUR, start()), shown(at, ahead)).unwrap();
            for (at, epoch) in [(1.5, 6), (1.999, 6), (2.0, 7), (3.5, 8)] {
                let at = start() + HOUR.mul_f64(at);
                assert_eq!(core.epoch(shown(at, ahead)), Some(epoch), "{ahead} ms ahead");
            }
        }
    }
}

proptest! {
    /// A follower that heard the directory once knows the epoch to the millisecond as long as its
    /// document is good, however its clock differs within what is tolerated and however short
    /// epochs are. So all who are cut off agree with each other and with those who are not.
    #[test]
    fn within_the_tolerated_skew_all_agree_on_the_epoch(
        ahead in -9_900..=9_900_i64,
        length in 1_000..=600_000_u64,
        heard_at in 0.0..1.0_f64,
        later in 0.0..3.0_f64,
    ) {
        let length = Duration::from_millis(length);
        let heard = start() + length.mul_f64(heard_at);
        let mut core = core();
        core.handle_time(heard, shown(heard, ahead));
        core.handle_document(of_length(5, length, start()), shown(heard, ahead)).unwrap();
        let now = heard + length.mul_f64(later);
        let real = 5 + (now.duration_since(start()).unwrap().as_millis() / length.as_millis());
        let real = u64::try_from(real).unwrap().min(5 + KEYS_AHEAD);
        prop_assert_eq!(core.epoch(shown(now, ahead)), Some(real));
    }
}
