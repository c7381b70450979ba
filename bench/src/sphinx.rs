//! (a) What Sphinx alone costs, ours over sphinx-packet's: the yardstick for everything around it.

use std::time::{Duration, Instant};

use mixbed_wire::{
    HOPS, HopAddress, MAX_PLAINTEXT, NodeId, Packet, ReplyBlock, Route, RouteHop, SphinxSecret,
};
use sphinx_packet::header::delays::Delay;
use sphinx_packet::route::{Destination, DestinationAddressBytes, Node, NodeAddressBytes};
use sphinx_packet::version::SINGLE_SEED_SURB_VERSION;
use sphinx_packet::{SURBMaterial, SphinxPacket, SphinxPacketBuilder};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::report::Report;

const PACKETS: usize = 512;
const TIME: Duration = Duration::from_secs(2);

/// Ours and theirs take turns this often, so that the machine's moods are shared.
const TURNS: u32 = 10;

/// Bytes of a payload.
const PAYLOAD: usize = MAX_PLAINTEXT + 17;

/// Unwraps a second on one core.
pub(crate) fn on_one_core() -> f64 {
    let (secrets, route) = route();
    let packets = packets(&route);
    run(TIME, || ours(&secrets[0], &packets))
}

/// The library's unwraps a second on one core.
pub(crate) fn theirs_on_one_core() -> f64 {
    let (secrets, route) = route();
    let packets = packets(&route);
    let secret = StaticSecret::from(*secrets[0].to_bytes());
    run(TIME, || theirs(&secret, &packets))
}

/// On one core, ours over the library's, in turns; and on all cores. Returns unwraps a second.
pub(crate) fn measure(report: &mut Report, cores: usize) -> f64 {
    let (secrets, route) = route();
    let packets = packets(&route);
    let secret = StaticSecret::from(*secrets[0].to_bytes());
    let (one, other) = in_turns(|| ours(&secrets[0], &packets), || theirs(&secret, &packets));
    report.note("unwraps a second, one core", one, "packets/s");
    report.at_least("unwraps / SphinxPacket::process", one / other, "ratio", 1.8);
    let all: f64 = std::thread::scope(|scope| {
        let one = || run(TIME, || ours(&secrets[0], &packets));
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0.0)).sum()
    });
    report.note("unwraps a second, all cores", all, "packets/s");
    let (ours, theirs) = in_turns(|| seal_ours(&route), || seal_theirs(&route));
    report.note("sealing with a reply block", 1e6 / ours, "us");
    report.at_most("sealing / sphinx-packet's, both with a block", theirs / ours, "ratio", 0.3);
    one
}

/// What each of the two does a second, if they work in turns.
fn in_turns(mut one: impl FnMut() -> f64, mut other: impl FnMut() -> f64) -> (f64, f64) {
    let turns = (0..TURNS).map(|_| (run(TIME / TURNS, &mut one), run(TIME / TURNS, &mut other)));
    let (one, other): (Vec<f64>, Vec<f64>) = turns.unzip();
    (median(one), median(other))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// What is done a second, if each call says how much it did.
fn run(time: Duration, mut work: impl FnMut() -> f64) -> f64 {
    let start = Instant::now();
    let mut count = 0.0;
    while start.elapsed() < time {
        count += work();
    }
    count / start.elapsed().as_secs_f64()
}

/// Each packet is copied before: unwrapping is done in place.
fn ours(secret: &SphinxSecret, packets: &[Packet]) -> f64 {
    count(packets, |packet| {
        let packet = packet.clone();
        let opened = packet.open(secret);
        std::hint::black_box(opened.and_then(|opened| opened.unwrap(packet))).is_ok()
    })
}

fn theirs(secret: &StaticSecret, packets: &[Packet]) -> f64 {
    count(packets, |packet| {
        let packet = SphinxPacket::from_bytes(packet.as_bytes());
        std::hint::black_box(packet.and_then(|packet| packet.process(secret))).is_ok()
    })
}

fn count(packets: &[Packet], unwrap: impl Fn(&Packet) -> bool) -> f64 {
    let mut count = 0.0;
    for packet in packets {
        assert!(unwrap(packet), "the packets are good");
        count += 1.0;
    }
    count
}

fn seal_ours(route: &Route) -> f64 {
    let (end, rng) = (route[HOPS - 1].address, &mut rand::rng());
    let block = ReplyBlock::create(route, end, [1; 16], Duration::ZERO, rng);
    let block = block.map(|(block, _)| block.to_bytes()).unwrap_or_default();
    let packet = Packet::seal(route, end, [0; 16], &block, rng);
    assert!(std::hint::black_box(packet).is_ok(), "the route is good");
    1.0
}

fn seal_theirs(route: &Route) -> f64 {
    let hop = |hop: &RouteHop| {
        let address = NodeAddressBytes::from_bytes(hop.address.to_bytes());
        (Node::new(address, PublicKey::from(*hop.key.as_bytes())), Delay::new_from_nanos(0))
    };
    let (nodes, delays): (Vec<_>, Vec<_>) = route.iter().map(hop).unzip();
    let address = DestinationAddressBytes::from_bytes(route[HOPS - 1].address.to_bytes());
    let end = |identifier| Destination::new(address, identifier);
    let block =
        SURBMaterial::new(nodes.clone(), delays.clone(), end([1; 16]), SINGLE_SEED_SURB_VERSION);
    let block = block.construct_recoverable_SURB().map(|(block, _)| block.to_bytes());
    let packet = SphinxPacketBuilder::new()
        .with_version(SINGLE_SEED_SURB_VERSION)
        .with_payload_size(PAYLOAD)
        .build_packet(block.unwrap_or_default(), &nodes, &end([0; 16]), &delays);
    assert!(std::hint::black_box(packet).is_ok(), "the route is good");
    1.0
}

/// A route, and the secrets of its hops.
fn route() -> ([SphinxSecret; HOPS], Route) {
    let mut rng = rand::rng();
    let secrets: [SphinxSecret; HOPS] = std::array::from_fn(|_| SphinxSecret::generate(&mut rng));
    let address = HopAddress { node: NodeId::from_bytes([1; 8]), trace: None };
    let route = std::array::from_fn(|hop| RouteHop {
        address,
        key: secrets[hop].public(),
        delay: Duration::ZERO,
    });
    (secrets, route)
}

fn packets(route: &Route) -> Vec<Packet> {
    let address = route[0].address;
    let seal = |_| Packet::seal(route, address, [0; 16], b"", &mut rand::rng());
    (0..PACKETS).map(seal).collect::<Result<_, _>>().unwrap_or_default()
}
