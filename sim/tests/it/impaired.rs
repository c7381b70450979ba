//! What the directory's rules do to links, and who notices.

use std::time::Duration;

use mixbed_directory::ImpairmentRule;
use mixbed_directory::document::impairment::Selector;
use mixbed_sim::{Config, Transparent, Workload};
use mixbed_wire::{DropReason, Impairment};

use crate::sim;

/// Two mixes a layer, cover traffic, and a request of each client every ten seconds.
fn config(seed: u64, rule: ImpairmentRule) -> Config {
    let mut config = Config {
        clients: 6,
        workload: Workload {
            every: Some(Duration::from_secs(10)),
            until: Some(Duration::from_secs(120)),
            ..Workload::default()
        },
        ..Config::new(seed)
    };
    config.parameters.rates = Config::LIGHT_COVER;
    config.parameters.impairments = vec![rule];
    config
}

#[test]
fn a_mix_that_is_cut_off_is_named_by_loops_and_got_round() {
    let cut = ImpairmentRule::of(Selector::Named("mix-2-0".to_owned()), Impairment::PARTITION);
    let mut sim = sim::<Transparent>(config(10, cut));
    sim.run_until(Duration::from_secs(240));
    let report = sim.report();
    assert!(report.packets.close(), "{report:?}");
    assert!(report.requests.asked > 30, "{report:?}");
    assert_eq!(report.requests.answered, report.requests.asked, "{report:?}");
    assert_eq!(report.requests.executed_again, 0, "{report:?}");
    assert!(report.packets.dropped_as(DropReason::Impaired) > 100, "{report:?}");
    for mix in ["mix-1-0", "mix-1-1"] {
        let tallies = sim.node_loops(mix).expect("a node");
        let (back, ended) = tallies["mix-2-0"].recent();
        assert!(back == 0 && ended > 20, "{mix}: {back} of {ended} came back by way of mix-2-0");
        let (back, ended) = tallies["mix-2-1"].recent();
        assert!(back == ended && ended > 20, "{mix}: {back} of {ended} by way of mix-2-1");
    }
}

#[test]
fn a_mix_that_serves_one_neighbour_only_is_told_from_honest_ones() {
    let named = |name: &str| Selector::Named(name.to_owned());
    let dishonest = ImpairmentRule::only_from(named("mix-1-0"), named("gateway-0"));
    let mut sim = sim::<Transparent>(config(11, dishonest));
    sim.run_until(Duration::from_secs(240));
    let report = sim.report();
    assert!(report.packets.close(), "{report:?}");
    assert_eq!(report.requests.answered, report.requests.asked, "{report:?}");
    let by_way_of = |gateway: &str, mix: &str| {
        let tallies = sim.node_loops(gateway).expect("a node");
        tallies[mix].recent()
    };
    // A gateway's loop is back if the two mixes after the first are honest: all are.
    let (back, ended) = by_way_of("gateway-1", "mix-1-0");
    assert!(back == 0 && ended > 20, "{back} of {ended}");
    for (gateway, mix) in
        [("gateway-0", "mix-1-0"), ("gateway-0", "mix-1-1"), ("gateway-1", "mix-1-1")]
    {
        let (back, ended) = by_way_of(gateway, mix);
        assert!(back == ended && ended > 20, "{gateway} by way of {mix}: {back} of {ended}");
    }
}
