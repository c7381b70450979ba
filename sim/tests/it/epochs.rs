//! Keys change while packets are on their way.

use std::time::Duration;

use mixbed_sim::{Config, Report, Transparent, Workload};
use mixbed_wire::DropReason;

use crate::sim;

const EPOCH: Duration = Duration::from_secs(5);

/// Requests all the time, in epochs of 5 s.
fn config(seed: u64) -> Config {
    let mut config = Config {
        clients: 10,
        workload: Workload {
            every: Some(Duration::from_secs(1)),
            until: Some(24 * EPOCH),
            ..Workload::default()
        },
        ..Config::new(seed)
    };
    config.parameters.epoch_length = EPOCH;
    config
}

/// All was answered, nothing was sent twice, and no packet met a node without its key.
fn assert_nothing_lost(report: &Report) {
    assert!(report.packets.close(), "{report:?}");
    let requests = &report.requests;
    assert!(requests.asked > 500, "{report:?}");
    assert_eq!((requests.answered, requests.unanswered), (requests.asked, 0), "{report:?}");
    assert_eq!(requests.retransmissions, 0, "{report:?}");
    assert_eq!(report.packets.dropped_as(DropReason::BadMac), 0, "{report:?}");
    assert_eq!(report.packets.dropped(), 0, "{report:?}");
}

#[test]
fn twenty_epochs_lose_nothing() {
    let mut sim = sim::<Transparent>(config(6));
    sim.run_until(25 * EPOCH);
    let report = sim.report();
    assert!(report.epoch >= 20, "{report:?}");
    assert_nothing_lost(&report);
}

#[test]
fn a_directory_that_is_away_for_three_epochs_is_not_missed() {
    let away = 6 * EPOCH + EPOCH / 2..9 * EPOCH + EPOCH / 2;
    let config = Config { directory_away: vec![away.clone()], ..config(7) };
    let mut sim = sim::<Transparent>(config);
    sim.run_until(25 * EPOCH);
    let report = sim.report();
    assert!(report.epoch >= 20, "it came back: {report:?}");
    assert_nothing_lost(&report);
}

#[test]
fn three_directories_of_which_one_is_away_are_not_missed() {
    // One after another; at the end two at once, for less than documents are good.
    let away =
        |at: usize, epochs: std::ops::Range<u32>| (at, epochs.start * EPOCH..epochs.end * EPOCH);
    let one_away =
        vec![away(0, 3..6), away(1, 7..10), away(2, 11..13), away(0, 15..17), away(1, 15..17)];
    let mut config = Config { directories: 3, one_away, ..config(9) };
    config.directory_latency = Duration::from_millis(5);
    let mut sim = sim::<Transparent>(config);
    sim.run_until(25 * EPOCH);
    let report = sim.report();
    assert!(report.epoch >= 20, "epochs went on: {report:?}");
    assert_nothing_lost(&report);
}

#[test]
fn three_directories_make_the_same_of_the_same_seed() {
    let run = |seed| {
        let mut sim = sim::<Transparent>(Config { directories: 3, ..config(seed) });
        sim.run_until(5 * EPOCH);
        (sim.report().epoch, sim.transcript().hash())
    };
    assert_eq!(run(10), run(10));
    assert_ne!(run(10).1, run(11).1);
}

#[test]
fn without_a_directory_the_network_ends_when_its_document_does() {
    let mut config = Config { directory_away: vec![6 * EPOCH..20 * EPOCH], ..config(8) };
    config.workload.until = None;
    let mut sim = sim::<Transparent>(config);
    // The document is good for three epochs after its own, and clocks may be 10 s off.
    sim.run_until(9 * EPOCH);
    let before = sim.report();
    assert_eq!(before.packets.dropped(), 0, "{before:?}");
    sim.run_until(14 * EPOCH);
    let ended = sim.report();
    sim.run_until(19 * EPOCH);
    let still = sim.report();
    assert_eq!(ended.packets.made(), still.packets.made(), "clients say nothing more: {still:?}");
    sim.run_until(40 * EPOCH);
    let after = sim.report();
    assert!(after.packets.made() > still.packets.made() + 1_000, "and go on after it: {after:?}");
    assert!(after.packets.close(), "{after:?}");
    assert_eq!(after.requests.executed_again, 0, "{after:?}");
}
