//! How long packets are held, against theory: each hop exponential, a route's sum Gamma.

use std::time::Duration;

use mixbed_directory::Rates;
use mixbed_sim::stats::{gamma_cdf, ks_distance, ks_p_value, mean};
use mixbed_sim::{Config, Transparent};

use crate::sim;

/// Below this a test fails: so often it would by chance, for seeds that are not fixed.
const ALPHA: f64 = 0.01;

#[test]
fn a_hop_holds_packets_for_an_exponential_time_and_a_route_for_a_gamma_distributed_one() {
    let mut config = Config {
        gateways: 2,
        mixes_a_layer: 3,
        providers: 2,
        clients: 20,
        follow_packets: true,
        ..Config::new(4)
    };
    let rates = Config::LIGHT_COVER;
    // Without the gateways' clocks, so that nothing but the pool holds a packet.
    config.parameters.rates = Rates { downlink: 0.0, ..rates };
    let mean_delay = config.parameters.mean_hop_delay.as_secs_f64();
    let mut sim = sim::<Transparent>(config);
    sim.run_until(Duration::from_secs(60));
    assert!(sim.report().packets.close());
    let followed = sim.followed().expect("packets are followed");
    let seconds = |times: &[Duration]| times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
    let (hops, routes) = (seconds(followed.hops()), seconds(followed.routes()));
    assert!(hops.len() > 15_000 && routes.len() > 3_000, "{} {}", hops.len(), routes.len());

    let exponential = |at| gamma_cdf(1, mean_delay, at);
    let gamma = |at| gamma_cdf(4, mean_delay, at);
    let p = |samples: &[f64], theory: &dyn Fn(f64) -> f64| {
        ks_p_value(ks_distance(samples, theory), samples.len())
    };
    assert!(p(&hops, &exponential) > ALPHA, "hops: p = {}", p(&hops, &exponential));
    assert!(p(&routes, &gamma) > ALPHA, "routes: p = {}", p(&routes, &gamma));
    println!(
        "{} hops, mean {:.4} s, p = {:.2}; {} routes of four, mean {:.4} s, p = {:.2}",
        hops.len(),
        mean(&hops),
        p(&hops, &exponential),
        routes.len(),
        mean(&routes),
        p(&routes, &gamma)
    );

    // The test can tell: a mean that is 5 % off, another shape, and hops that share a draw.
    assert!(p(&hops, &|at| gamma_cdf(1, 1.05 * mean_delay, at)) < ALPHA);
    assert!(p(&routes, &|at| gamma_cdf(5, 0.8 * mean_delay, at)) < ALPHA);
    let one_draw: Vec<f64> = hops.iter().take(routes.len()).map(|hop| 4.0 * hop).collect();
    assert!(p(&one_draw, &gamma) < ALPHA);
}
