//! Clients that take more than their share. Each time, others are served.

use std::time::{Duration, Instant};

use mixbed_directory::{Parameters, Rates, Role};
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_node::Limits;
use mixbed_wire::{DropReason, Frame, NodeId, PACKET_SIZE, Packet};

use crate::gateway::{Client, client, packet, until};
use crate::rig::{SOON, join, metric};

const NOBODY: NodeId = NodeId::from_bytes([1; 8]);

struct Gateway {
    net: LocalNet,
}

impl Gateway {
    async fn new(limits: Limits, rates: Rates) -> Self {
        let config = LocalNetConfig {
            shape: Shape { gateways: 1, mixes_per_layer: 0, providers: 0 },
            limits,
            parameters: Parameters { rates, ..Parameters::default() },
            ..LocalNetConfig::default()
        };
        let net = LocalNet::start(config).await.expect("a net");
        let listed = |document: &mixbed_directory::Document| document.nodes.len() == 1;
        net.follower().wait_for(SOON, listed).await.expect("listed");
        net.nodes()["gateway-0"].follower().wait_for(SOON, listed).await.expect("knows");
        Self { net }
    }

    /// The number that a metric of the gateway has.
    fn metric(&self, name: &str, label: &str) -> u64 {
        metric(self.net.telemetry(), name, label)
    }

    /// A packet of this client's is taken up.
    async fn serves(&self, client: &mut Client) {
        let before = self.net.books().dropped(DropReason::UnknownNextHop);
        let frame = Frame::Packet(packet(&self.net, NOBODY, None));
        client.link.writer.write(&frame).await.expect("the link is up");
        let served = |net: &LocalNet| net.books().dropped(DropReason::UnknownNextHop) > before;
        until(&self.net, served).await;
    }
}

/// The gateway ends this link.
async fn ended(client: &mut Client) {
    let end = tokio::time::timeout(SOON, client.link.reader.read()).await.expect("it ends");
    assert!(!matches!(end, Ok(Some(_))), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_clients_are_refused_and_the_others_served() {
    for limits in [
        Limits { links: 3, ..Limits::default() },
        Limits { links_per_address: 3, ..Limits::default() },
    ] {
        let gateway = Gateway::new(limits, Rates::default()).await;
        let mut inside = Vec::new();
        for _ in 0..3 {
            let mut one = client(&gateway.net).await;
            gateway.serves(&mut one).await;
            inside.push(one);
        }
        let mut refused = client(&gateway.net).await;
        ended(&mut refused).await;
        assert_eq!(gateway.metric("mixbed_link_handshakes_failed_total", "too_many"), 1);
        // They keep no node out, and one that leaves makes room.
        let net = &gateway.net;
        let mix = join(net, "mix", Role::Mix { layer: 3 }).await;
        let known = |document: &mixbed_directory::Document| document.node(&mix.id()).is_some();
        let node = &net.nodes()["gateway-0"];
        let document = node.follower().wait_for(SOON, known).await.expect("listed");
        let descriptor = document.by_name("gateway-0").expect("listed");
        let mut link = mix.dial(descriptor).await.expect("welcome");
        let received = net.books().total(|node| node.received);
        let frame = Frame::Packet(packet(net, inside[0].id, None));
        link.writer.write(&frame).await.expect("the link is up");
        until(net, |net| net.books().total(|node| node.received) > received).await;
        for one in &mut inside {
            gateway.serves(one).await;
        }
        drop(inside);
        until(net, |_| gateway.metric("mixbed_links{", "\"in\"") == 1).await;
        gateway.serves(&mut client(net).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_floods_gets_its_rate_and_another_all_it_wants() {
    let limits = Limits { client_rate: 100, client_burst: 50, ..Limits::default() };
    let gateway = Gateway::new(limits, Rates::default()).await;
    let (mut flooder, mut other) = (client(&gateway.net).await, client(&gateway.net).await);
    let began = Instant::now();
    let flood = tokio::spawn(async move {
        let garbage = Frame::Packet(Packet::from_bytes(&[0x5a; PACKET_SIZE]));
        while flooder.link.writer.write(&garbage).await.is_ok() {}
    });
    for _ in 0..40 {
        gateway.serves(&mut other).await;
    }
    // 50 at once, and 250 more at 100 a second.
    until(&gateway.net, |net| net.books().dropped(DropReason::BadMac) >= 300).await;
    let took = began.elapsed();
    assert!(took > Duration::from_millis(2490), "300 frames in {took:?}");
    assert!(gateway.metric("mixbed_frames_slowed_total", "gateway") > 0);
    assert_eq!(gateway.net.books().dropped(DropReason::QueueFull), 0, "nobody's was shed");
    flood.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_rates_bound_a_client() {
    let limits = Limits { client_burst: 10, ..Limits::default() };
    let rates = Rates { payload: 20.0, drop: 10.0, client_loop: 10.0, ..Rates::default() };
    let gateway = Gateway::new(limits, rates).await;
    let mut flooder = client(&gateway.net).await;
    let began = Instant::now();
    let flood = tokio::spawn(async move {
        // Dummies count as well: a frame is a frame.
        while flooder.link.writer.write(&Frame::Dummy).await.is_ok() {
            let garbage = Frame::Packet(Packet::from_bytes(&[0x5a; PACKET_SIZE]));
            if flooder.link.writer.write(&garbage).await.is_err() {
                break;
            }
        }
    });
    // 110 frames, half of them packets: 10 at once, and 100 at 50 a second.
    until(&gateway.net, |net| net.books().dropped(DropReason::BadMac) >= 55).await;
    let took = began.elapsed();
    assert!(took > Duration::from_millis(1950), "110 frames in {took:?}");
    flood.abort();
}

/// A client's packets that ask for the longest delay fill its own share of the pool.
#[tokio::test(flavor = "multi_thread")]
async fn one_client_does_not_fill_the_pool() {
    let limits = Limits { pool: 340, ..Limits::default() };
    let gateway = Gateway::new(limits, Rates::default()).await;
    let net = &gateway.net;
    let mix = join(net, "mix", Role::Mix { layer: 1 }).await;
    let known = |document: &mixbed_directory::Document| document.node(&mix.id()).is_some();
    net.nodes()["gateway-0"].follower().wait_for(SOON, known).await.expect("listed");
    let (mut hoarder, mut other) = (client(net).await, client(net).await);
    let long = slow_packets(net, mix.id(), 60);
    for packet in long {
        hoarder.link.writer.write(&Frame::Packet(packet)).await.expect("the link is up");
    }
    // Half of the pool is for clients: 170 places, of which one alone gets 10.
    until(net, |net| net.books().dropped(DropReason::PoolFull) == 50).await;
    assert_eq!(net.books().total(|node| node.held), 10);
    for packet in slow_packets(net, mix.id(), 9) {
        other.link.writer.write(&Frame::Packet(packet)).await.expect("the link is up");
    }
    until(net, |net| net.books().total(|node| node.held) == 19).await;
    assert_eq!(net.books().dropped(DropReason::PoolFull), 50, "all of the other's are held");
}

fn slow_packets(net: &LocalNet, to: NodeId, count: usize) -> Vec<Packet> {
    use mixbed_wire::{HopAddress, RouteHop, SphinxSecret};
    let document = net.follower().current().expect("a document");
    let gateway = document.by_name("gateway-0").expect("listed");
    let key = *gateway.sphinx_key(document.epoch).expect("a key");
    let other = SphinxSecret::generate(&mut rand::rng()).public();
    let hop = |node, key| RouteHop {
        address: HopAddress { node, trace: None },
        key,
        delay: Duration::from_secs(50),
    };
    let onward = hop(to, other);
    let route = [hop(gateway.id(), key), onward, onward, onward, onward];
    let seal = |_| Packet::seal(&route, onward.address, [0; 16], b"", &mut rand::rng());
    (0..count).map(seal).collect::<Result<_, _>>().expect("they fit")
}

/// Packets for clients who take none (here: their links' clock hardly ticks) have one bound
/// together, and the more waits the shorter each queue may be.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_all_clients_is_bounded_and_each_gets_a_place() {
    let limits = Limits { client_queues: 640, ..Limits::default() };
    let rates = Rates { downlink: 0.000_1, ..Rates::default() };
    let gateway = Gateway::new(limits, rates).await;
    let net = &gateway.net;
    let mix = join(net, "mix", Role::Mix { layer: 3 }).await;
    let known = |document: &mixbed_directory::Document| document.node(&mix.id()).is_some();
    let node = &net.nodes()["gateway-0"];
    let document = node.follower().wait_for(SOON, known).await.expect("listed");
    let descriptor = document.by_name("gateway-0").expect("listed");
    let mut link = mix.dial(descriptor).await.expect("welcome");
    let clients = [client(net).await, client(net).await, client(net).await];
    until(net, |_| gateway.metric("mixbed_links{", "\"in\"") == 4).await;
    // 10 of 640 free, 10 of 630, 10 of 620: less than a 64th of what is free, rounded up.
    for (number, client) in (1..).zip(&clients) {
        for _ in 0..40 {
            let frame = Frame::Packet(packet(net, client.id, None));
            link.writer.push(&frame).expect("sealed");
            link.writer.flush().await.expect("the link is up");
        }
        let settled = |net: &LocalNet| {
            let (books, full) = (net.books(), DropReason::LinkQueueFull);
            books.dropped(full) == 30 * number && books.total(|node| node.held) == 10 * number
        };
        until(net, settled).await;
    }
}
