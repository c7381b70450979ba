//! Bytes arrive whole and in order, whatever is lost.

mod mixnet;

use std::time::Duration;

use mixnet::{Net, Pair};

fn transfer(seed: u64, loss: f64, sizes: &[(u64, u64)], limit: Duration) -> Net {
    let mut net = Net::new(seed, loss);
    let mut pairs: Vec<_> = sizes
        .iter()
        .zip(seed..)
        .map(|(&(up, down), seed)| Pair::open(&mut net, seed, up, down))
        .collect();
    let done = net.until(limit, |net| {
        pairs
            .iter_mut()
            .filter(|pair| !pair.is_done())
            .map(|pair| pair.work(net))
            .filter(|done| !done)
            .count()
            == 0
    });
    let state: Vec<_> = pairs.iter().map(|pair| (pair.up.read, pair.down.read)).collect();
    assert!(
        done,
        "seed {seed}, loss {loss}: {state:?} of {sizes:?} after {:?}, {:?}",
        net.elapsed(),
        net.client_events.last()
    );
    net
}

#[test]
fn a_request_and_its_answer() {
    for seed in 0..20 {
        let net = transfer(seed, 0.0, &[(300, 5_000)], Duration::from_secs(10));
        println!("{:?} {:?}", net.elapsed(), net.counts);
    }
}

#[test]
fn megabytes() {
    for loss in [0.0, 0.05, 0.2] {
        for sizes in [(3_000_000, 0), (0, 3_000_000), (3_000_000, 3_000_000)] {
            let net = transfer(7, loss, &[sizes], Duration::from_secs(900));
            let up = sizes.0 as f64 / (net.counts.there as f64 * 3072.0);
            let down = sizes.1 as f64 / (net.counts.back as f64 * 3072.0);
            let all =
                (sizes.0 + sizes.1) as f64 / ((net.counts.there + net.counts.back) as f64 * 3072.0);
            println!(
                "{loss} {sizes:?}: {:?} {:?} up {up:.3} down {down:.3} all {all:.3} spurious {}",
                net.elapsed(),
                net.counts,
                net.client.spurious()
            );
        }
    }
}
