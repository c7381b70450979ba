//! The same seed gives the same run, to the byte.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mixbed_sim::{Config, Report, Sim, SimPacket, Transparent, Workload};
use mixbed_wire::Packet;

use crate::sim;

/// Three clients, nine nodes, cover traffic, loss on each link, a second epoch.
fn small(seed: u64) -> Config {
    let mut config = Config {
        gateways: 2,
        mixes_a_layer: 2,
        providers: 1,
        clients: 3,
        workload: Workload { every: Some(Duration::from_secs(4)), ..Workload::default() },
        ..Config::new(seed)
    };
    config.parameters.rates = Config::LIGHT_COVER;
    config.parameters.epoch_length = Duration::from_secs(15);
    config.node_links.loss = 0.01;
    config.client_links.loss = 0.01;
    config
}

/// A run's report and all that happened in it, a line each.
fn run<P: SimPacket>(seed: u64, seconds: u64) -> (Report, String) {
    let lines = Rc::new(RefCell::new(String::new()));
    let mut sim = sim::<P>(small(seed));
    let heard = Rc::clone(&lines);
    sim.transcript_mut().listen(move |happening| {
        writeln!(heard.borrow_mut(), "{happening}").expect("a string takes everything");
    });
    sim.run_until(Duration::from_secs(seconds));
    let report = sim.report();
    drop(sim);
    (report, Rc::into_inner(lines).expect("the run is over").into_inner())
}

fn repeats<P: SimPacket>(seconds: u64) {
    let (report, lines) = run::<P>(1, seconds);
    assert!(report.packets.close(), "{report:?}");
    assert!(report.requests.answered > 0 && report.epoch > 1, "something happens: {report:?}");
    assert!(report.packets.dropped_as(mixbed_wire::DropReason::Impaired) > 0, "{report:?}");
    let (again, same_lines) = run::<P>(1, seconds);
    if let Some((one, other)) = lines.lines().zip(same_lines.lines()).find(|(a, b)| a != b) {
        panic!("the runs part:\n{one}\n{other}");
    }
    assert_eq!(report, again);
    assert_eq!(lines.lines().count() as u64, report.happenings);
    let (other, _) = run::<P>(2, seconds);
    assert_ne!(report.transcript, other.transcript);
}

#[test]
fn a_run_with_sphinx_repeats() {
    repeats::<Packet>(20);
}

#[test]
fn a_run_with_transparent_packets_repeats() {
    repeats::<Transparent>(60);
}

#[test]
fn the_origin_of_time_means_nothing_nor_in_how_many_steps_it_passes() {
    let config = small(3);
    let later = Instant::now() + Duration::from_secs(12_345);
    let mut whole = sim::<Transparent>(config.clone());
    let mut steps = Sim::<Transparent>::new(config, later).expect("a network");
    whole.run_until(Duration::from_secs(20));
    for tenth in 1..=200 {
        steps.run_until(Duration::from_millis(100 * tenth));
    }
    assert_eq!(whole.report(), steps.report());
}
