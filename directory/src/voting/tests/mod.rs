//! Authorities under a virtual network: lost, late and cut messages, deaths, and liars.

mod faults;
mod liars;
mod messages;
mod net;
mod rules;
mod schedules;

use net::{Net, millis, opinion};
use std::time::Duration;

/// A network of three with the nodes 1, 2 and 3 in its document.
fn settled(seed: u64) -> Net {
    let mut net = Net::new(3, seed);
    net.all_think(&opinion([1, 2, 3]));
    net.wait(Duration::from_secs(3), |net| (0..3).all(|at| net.nodes(at) == [1, 2, 3].into()));
    net.run(millis(300));
    net
}
