//! A route to play with: the keys of all its hops are known.

use std::sync::LazyLock;
use std::time::Duration;

use mixbed_wire::{HOPS, HopAddress, NodeId, Route, RouteHop, SphinxSecret};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// The hops' secrets.
pub(crate) static SECRETS: LazyLock<[SphinxSecret; HOPS]> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    std::array::from_fn(|_| SphinxSecret::generate(&mut rng))
});

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn address(hop: usize) -> HopAddress {
    let name = u8::try_from(hop + 1).expect("few hops");
    HopAddress { node: NodeId::from_bytes([name; 8]), trace: None }
}

/// Five hops that hold a packet for 1 to 5 ms.
pub(crate) fn route() -> Route {
    let keys = SECRETS.each_ref().map(SphinxSecret::public);
    std::array::from_fn(|hop| RouteHop {
        address: address(hop),
        key: keys[hop],
        delay: Duration::from_millis(hop as u64 + 1),
    })
}
