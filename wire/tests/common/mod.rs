//! A route to play with: five hops, all of whose keys the test holds.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use mixbed_wire::{
    Exit, HOPS, HopAddress, NodeId, Packet, Route, RouteHop, SphinxSecret, TraceContext, Unwrapped,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

pub(crate) const TRACE: TraceContext = TraceContext { trace_id: [0xa1; 16], span_id: [0xb2; 8] };

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Five hops named 1 to 5, whose delays are 1 to 5 ms, all traced.
pub(crate) fn route(seed: u64) -> (Vec<SphinxSecret>, Route) {
    let mut rng = rng(seed);
    let secrets: Vec<SphinxSecret> = (0..HOPS).map(|_| SphinxSecret::generate(&mut rng)).collect();
    let route = std::array::from_fn(|hop| RouteHop {
        address: address(hop),
        key: secrets[hop].public(),
        delay: Duration::from_millis(hop as u64 + 1),
    });
    (secrets, route)
}

pub(crate) fn address(hop: usize) -> HopAddress {
    let name = u8::try_from(hop + 1).expect("few hops");
    HopAddress { node: NodeId::from_bytes([name; 8]), trace: Some(TRACE) }
}

/// Takes the packet through the route, checking each hop's address and delay.
pub(crate) fn travel(mut packet: Packet, secrets: &[SphinxSecret]) -> Exit {
    for (hop, secret) in secrets.iter().enumerate() {
        match packet.open(secret).expect("genuine").unwrap(packet).expect("well made") {
            Unwrapped::Forward { next, delay, packet: inner } => {
                assert_eq!(next, address(hop + 1));
                assert_eq!(delay, Duration::from_millis(hop as u64 + 1));
                packet = inner;
            }
            Unwrapped::Exit(exit) => {
                assert_eq!(hop, secrets.len() - 1, "only the last hop is an exit");
                return exit;
            }
        }
    }
    panic!("the route had no exit");
}
