//! Nobody lies; some are away.

use std::collections::BTreeSet;
use std::time::Duration;

use super::net::{Net, millis, opinion};
use super::settled;
use crate::voting::VotingEvent;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn three_make_one_document_at_once_and_follow_changes() {
    let mut net = Net::new(3, 1);
    net.all_think(&opinion([1]));
    let first = net.wait(SECOND, |net| (0..3).all(|at| net.nodes(at) == [1].into()));
    assert!(first <= millis(200), "{first:?}");
    let newest: BTreeSet<_> =
        (0..3).map(|at| net.newest(at).unwrap().to_bytes()).collect::<Result<_, _>>().unwrap();
    assert_eq!(newest.len(), 1);
    net.run(SECOND);
    net.all_think(&opinion([1, 2]));
    let change = net.wait(SECOND, |net| (0..3).all(|at| net.nodes(at) == [1, 2].into()));
    assert!(change <= millis(300), "{change:?}");
    net.run(3 * SECOND);
    assert_eq!((net.documents.len(), net.forks), (2, 0), "nothing new, no document");
    assert!(net.events.is_empty(), "{:?}", net.events);
}

#[test]
fn epochs_turn_on_time_by_the_clock_in_the_middle() {
    let mut net = settled(2);
    net.set_ahead(0, 3_000);
    net.set_ahead(1, -3_000);
    net.run(45 * SECOND);
    let mut last = 0;
    for ((epoch, _), (bytes, at)) in &net.documents {
        let document = crate::document::Document::from_bytes(bytes).unwrap();
        assert!(*epoch == last || *epoch == last + 1, "epoch {epoch} after {last}");
        if *epoch > last && last > 0 {
            let late = at.duration_since(document.valid_from).expect("not before its time");
            assert!(late <= 2 * SECOND, "epoch {epoch} begins {late:?} late");
        }
        last = *epoch;
    }
    assert!(last >= 5, "{last}");
    assert_eq!(net.forks, 0);
}

#[test]
fn an_epoch_of_three_that_agree_on_the_time_turns_within_200_ms() {
    let mut net = settled(3);
    net.run(35 * SECOND);
    for (bytes, at) in net.documents.values().skip(1) {
        let document = crate::document::Document::from_bytes(bytes).unwrap();
        let late = at.duration_since(document.valid_from).unwrap();
        assert!(document.epoch == 1 || late <= millis(200), "{late:?}");
    }
    assert!(net.newest(0).unwrap().epoch >= 4);
}

#[test]
fn one_that_is_killed_changes_nothing() {
    for seed in 0..10 {
        let mut net = settled(10 + seed);
        let dead = (seed % 3) as usize;
        net.kill(dead);
        let living: Vec<_> = (0..3).filter(|at| *at != dead).collect();
        net.all_think(&opinion([1, 2, 3, 4]));
        let is_in = |net: &Net| living.iter().all(|at| net.nodes(*at).contains(&4));
        let change = net.wait(3 * SECOND, is_in);
        assert!(change <= 2 * SECOND, "seed {seed}: {change:?}");
        net.run(5 * SECOND);
        assert!(
            living.iter().all(|at| net.saw(*at, |it| matches!(it, VotingEvent::Silent { .. })))
        );
        // Who is known to be silent is waited for no more.
        net.all_think(&opinion([1, 2, 3]));
        let change = net.wait(SECOND, |net| living.iter().all(|at| net.nodes(*at).len() == 3));
        assert!(change <= millis(300), "seed {seed}: {change:?}");
        let epoch = net.newest(living[0]).unwrap().epoch;
        net.run(25 * SECOND);
        assert!(net.newest(living[0]).unwrap().epoch >= epoch + 2, "seed {seed}");
        net.revive(dead);
        net.wait(SECOND, |net| net.newest(dead) == net.newest(living[0]));
        assert_eq!(net.forks, 0, "seed {seed}");
    }
}

#[test]
fn two_that_are_cut_off_leave_the_last_document_and_come_back() {
    for seed in 0..10 {
        let mut net = settled(30 + seed);
        (0..3).for_each(|at| net.cut_off(at, true));
        net.all_think(&opinion([1, 2, 3, 4]));
        net.run(35 * SECOND);
        let before = net.documents.len();
        assert!((0..3).all(|at| net.nodes(at) == [1, 2, 3].into()), "seed {seed}");
        net.run(10 * SECOND);
        assert_eq!(net.documents.len(), before, "seed {seed}: one alone makes no document");
        (0..3).for_each(|at| net.cut_off(at, false));
        let back = net.wait(5 * SECOND, |net| (0..3).all(|at| net.nodes(at).len() == 4));
        assert!(back <= 3 * SECOND, "seed {seed}: {back:?}");
        assert_eq!(net.forks, 0, "seed {seed}");
    }
}

#[test]
fn one_that_lost_its_memory_learns_from_the_others() {
    let mut net = settled(50);
    net.kill(1);
    net.forget(1);
    net.run(5 * SECOND);
    net.revive(1);
    net.wait(2 * SECOND, |net| net.newest(1).is_some() && net.newest(1) == net.newest(0));
}

#[test]
fn a_clock_that_was_ahead_for_a_while_holds_nobody_up() {
    let mut net = settled(60);
    (0..3).for_each(|at| net.set_ahead(at, 3_600_000));
    net.run(3 * SECOND);
    let ahead = net.newest(0).unwrap();
    assert!(ahead.epoch > 300);
    (0..3).for_each(|at| net.set_ahead(at, 0));
    net.wait(10 * SECOND, |net| net.newest(0).unwrap().epoch == ahead.epoch + 1);
    assert!(net.newest(0).unwrap().valid_from <= net.clock(0) + SECOND);
    assert_eq!(net.forks, 0);
}

#[test]
fn five_bear_two_that_are_away() {
    let mut net = Net::new(5, 70);
    net.all_think(&opinion([1]));
    net.wait(SECOND, |net| (0..5).all(|at| net.nodes(at) == [1].into()));
    net.kill(0);
    net.cut_off(3, true);
    net.all_think(&opinion([1, 2]));
    net.wait(4 * SECOND, |net| [1, 2, 4].iter().all(|at| net.nodes(*at) == [1, 2].into()));
    net.run(15 * SECOND);
    net.cut_off(3, false);
    net.wait(SECOND, |net| net.newest(3) == net.newest(1));
    assert_eq!(net.forks, 0);
}
