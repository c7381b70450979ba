//! Many clients. The run of 500 takes an optimised build: `make sim`.

use std::time::Duration;

use mixbed_sim::{Config, Transparent};

use crate::sim;

#[test]
fn a_network_with_cover_traffic_carries_everything_and_its_accounts_close_at_any_time() {
    let mut sim = sim::<Transparent>(Config { clients: 60, ..Config::large(9) });
    for second in (10..=60).step_by(10) {
        sim.run_until(Duration::from_secs(second));
        let report = sim.report();
        assert!(report.packets.close(), "after {second} s: {report:?}");
    }
    let report = sim.report();
    assert_eq!(report.nodes, 30);
    assert!(report.requests.answered > 30, "{report:?}");
    assert_eq!((report.requests.unanswered, report.requests.executed_again), (0, 0), "{report:?}");
    assert_eq!(report.loops.lost, 0, "{report:?}");
    // 5 packets a second of each client, for a minute less the beginning.
    assert!((17_000..18_500).contains(&report.packets.made_by_clients), "{report:?}");
}
