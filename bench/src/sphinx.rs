//! (a) What unwrapping alone costs: the yardstick for everything around it.

use std::time::{Duration, Instant};

use mixbed_wire::{HOPS, HopAddress, NodeId, Packet, Route, RouteHop, SphinxSecret};

const PACKETS: usize = 512;
const TIME: Duration = Duration::from_secs(2);

/// Unwraps a second on one core.
pub(crate) fn on_one_core() -> f64 {
    let (secret, packets) = packets();
    run(&secret, &packets)
}

/// Unwraps a second on one core, and on `cores` of them at once.
pub(crate) fn unwraps_per_second(cores: usize) -> (f64, f64) {
    let one = on_one_core();
    let (secret, packets) = packets();
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| run(&secret, &packets))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0.0)).sum()
    });
    (one, all)
}

fn run(secret: &SphinxSecret, packets: &[Packet]) -> f64 {
    let start = Instant::now();
    let mut count = 0.0;
    while start.elapsed() < TIME {
        for packet in packets {
            let unwrapped = packet.open(secret).and_then(mixbed_wire::Opened::unwrap);
            assert!(std::hint::black_box(unwrapped).is_ok(), "the packets are good");
            count += 1.0;
        }
    }
    count / start.elapsed().as_secs_f64()
}

fn packets() -> (SphinxSecret, Vec<Packet>) {
    let mut rng = rand::rng();
    let secrets: [SphinxSecret; HOPS] = std::array::from_fn(|_| SphinxSecret::generate(&mut rng));
    let address = HopAddress { node: NodeId::from_bytes([1; 8]), trace: None };
    let route: Route = std::array::from_fn(|hop| RouteHop {
        address,
        key: secrets[hop].public(),
        delay: Duration::ZERO,
    });
    let seal = |_| Packet::seal(&route, address, [0; 16], b"", &mut rand::rng());
    let packets = (0..PACKETS).map(seal).collect::<Result<_, _>>();
    let [first, ..] = secrets;
    (first, packets.unwrap_or_default())
}
