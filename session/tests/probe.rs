//! Temporary.
mod mixnet;
use mixbed_session::End;
use mixnet::{Net, Pair};
use std::time::Duration;
#[test]
fn timeline() {
    let loss: f64 = std::env::var("LOSS").unwrap().parse().unwrap();
    let up: u64 = std::env::var("UP").unwrap().parse().unwrap();
    let down: u64 = std::env::var("DOWN").unwrap().parse().unwrap();
    let mut net = Net::new(7, loss);
    let mut pair = Pair::open(&mut net, 7, up, down);
    for tenth in 0..400 {
        let done = net.until(Duration::from_millis(500), |net| {
            net.client.closed().is_some() || pair.work(net)
        });
        println!(
            "{tenth} {:?} up {} down {} written {} {:?} arrived {} lost {} held {:?} provider {:?} {}",
            net.elapsed(),
            pair.up.read,
            pair.down.read,
            pair.down.written,
            net.counts,
            net.arrived,
            net.lost,
            net.client.blocks_held(),
            net.provider.as_ref().map(|p| p.blocks_held()),
            net.client.debug()
        );
        if done || net.client.closed().is_some() {
            break;
        }
    }
}
