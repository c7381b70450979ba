//! A net whose nodes send loops, and whose gateways pace what goes down to clients.

use std::time::{Duration, Instant};

use mixbed_directory::{Parameters, Rates, Role};
use mixbed_link::Link;
use mixbed_localnet::{HandPeer, LocalNet, LocalNetConfig, Shape};
use mixbed_node::LoopTally;
use mixbed_telemetry::Readings;
use mixbed_wire::{
    DropReason, Frame, HopAddress, LinkSecret, NodeId, Packet, Route, RouteHop, SphinxPublic,
    SphinxSecret,
};

use crate::rig::{SOON, join, metric};

/// A loop is given up five seconds after it was due.
const LATE: Duration = Duration::from_secs(30);

fn parameters(rates: Rates) -> Parameters {
    Parameters { mean_hop_delay: Duration::from_millis(5), rates, ..Parameters::default() }
}

async fn net(shape: Shape, rates: Rates) -> LocalNet {
    let config =
        LocalNetConfig { shape, parameters: parameters(rates), ..LocalNetConfig::default() };
    let net = LocalNet::start(config).await.expect("a net");
    if shape.mixes_per_layer > 0 {
        net.wait_ready(SOON).await.expect("complete");
    }
    net
}

async fn set(net: &LocalNet, rates: Rates) {
    net.change(|parameters| parameters.rates = rates).await.expect("everyone follows");
}

async fn until(limit: Duration, what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(limit, waiting).await.is_ok(), "not in time: {what}");
}

fn sum(net: &LocalNet, node: &str) -> (u64, u64, u64) {
    let loops = net.nodes()[node].loops();
    let total = |column: fn(&LoopTally) -> u64| loops.values().map(column).sum();
    (total(|tally| tally.sent), total(|tally| tally.returned), total(|tally| tally.lost))
}

/// Loops of which a busy machine was in the way: it shed them, or was so slow that they were given
/// up before they came.
fn excused(net: &LocalNet) -> u64 {
    let books = net.books();
    books.dropped(DropReason::QueueFull) + books.dropped(DropReason::NotForThisRole)
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_of_gateways_and_mixes_return_at_the_rate_of_the_document_and_the_books_close() {
    let net = net(Shape::default(), Rates::default()).await;
    let senders: Vec<_> =
        net.nodes().keys().filter(|name| !name.starts_with("provider")).cloned().collect();
    assert_eq!(senders.len(), 8);
    assert!(senders.iter().all(|node| sum(&net, node) == (0, 0, 0)), "off is off");

    set(&net, Rates { node_loop: 5.0, ..Rates::default() }).await;
    until(LATE, "ten loops back at each node", || {
        senders.iter().all(|node| sum(&net, node).1 >= 10)
    })
    .await;
    set(&net, Rates::default()).await;
    until(SOON, "all loops back, and the net at rest", || {
        let back = |node: &String| {
            let (sent, returned, lost) = sum(&net, node);
            sent == returned + lost
        };
        senders.iter().all(back) && net.books().at_rest()
    })
    .await;

    let books = net.books();
    let lost: u64 = senders.iter().map(|node| sum(&net, node).2).sum();
    // What its sender shed itself was never sent, and is not lost.
    assert!(lost <= excused(&net), "{lost} lost: {:?}", books.drops());
    let metrics = net.telemetry().metrics_text();
    for node in &senders {
        let (sent, returned, _) = sum(&net, node);
        let Readings { made, delivered, ref dropped, .. } = books.nodes[node];
        let shed = dropped[DropReason::QueueFull.index()];
        assert!((sent..=sent + shed).contains(&made), "{node}: {:?}", books.drops());
        assert_eq!(delivered, returned, "{node}: {:?}", books.drops());
        for (next, tally) in net.nodes()[node].loops() {
            let (back, recent) = tally.recent();
            assert_eq!(u64::from(recent), tally.sent.min(LoopTally::WINDOW.into()));
            assert!(u64::from(recent - back) <= tally.lost);
            let is_sample = |line: &&str| {
                line.starts_with("mixbed_loops_returned_total{")
                    && line.contains(&format!("node=\"{node}\""))
                    && line.contains(&format!("next=\"{next}\""))
            };
            let sample = metrics.lines().find(is_sample).expect("counted by next hop");
            assert!(sample.ends_with(&format!(" {}", tally.returned)), "{sample}");
        }
    }
    assert_eq!(net.nodes()["provider-0"].loops(), std::collections::BTreeMap::new());
    assert_eq!(
        books.nodes["provider-0"],
        Readings {
            dropped: vec![0; books.nodes["provider-0"].dropped.len()],
            ..Readings::default()
        }
    );
    net.stop(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_passes_nothing_on_stands_out_at_the_nodes_before_it() {
    let mut net = net(Shape::default(), Rates::default()).await;
    // Not before all know all: a loop by way of a stranger is lost.
    set(&net, Rates { node_loop: 5.0, ..Rates::default() }).await;
    until(SOON, "loops by way of both", || {
        let loops = net.nodes()["mix-1-0"].loops();
        ["mix-2-0", "mix-2-1"].iter().all(|next| loops.get(*next).is_some_and(|t| t.returned > 0))
    })
    .await;
    // With the directory away the mix stays in the document, whatever becomes of it.
    net.stop_directory().await;
    net.stop_node("mix-2-0", Duration::ZERO).await;
    let share = |node: &str, next: &str| {
        let tally = net.nodes()[node].loops().get(next).copied().unwrap_or_default();
        (tally.returned, tally.lost)
    };
    let (before, _) = share("mix-1-0", "mix-2-1");
    until(LATE, "losses by way of it", || {
        ["mix-1-0", "mix-1-1"].iter().all(|node| share(node, "mix-2-0").1 >= 10)
    })
    .await;
    until(LATE, "loops beside it come back, all but those excused", || {
        let (returned, lost) = share("mix-1-0", "mix-2-1");
        returned > before + 10 && lost <= excused(&net)
    })
    .await;
    for (name, node) in net.nodes() {
        until(SOON, &format!("{name}'s books close"), || node.readings().closes()).await;
    }
    net.stop(Duration::ZERO).await;
}

/// A client by hand, with a link to a gateway that is alone in its net but for a mix by hand.
struct HandClient {
    net: LocalNet,
    link: Link,
    /// Kept, or it would leave the document.
    _mix: HandPeer,
    from_mix: Link,
    id: NodeId,
    gateway: NodeId,
    key: SphinxPublic,
}

impl HandClient {
    async fn new(rates: Rates) -> Self {
        let shape = Shape { gateways: 1, mixes_per_layer: 0, providers: 0 };
        let net = net(shape, rates).await;
        let gateway = net.nodes()["gateway-0"].id();
        let mix = join(&net, "mix-by-hand", Role::Mix { layer: 3 }).await;
        let listed = |document: &mixbed_directory::Document| {
            document.node(&gateway).is_some() && document.node(&mix.id()).is_some()
        };
        let document = net.follower().wait_for(SOON, listed).await.expect("listed");
        let node = document.node(&gateway).expect("listed");
        let key = *node.sphinx_key(document.epoch).expect("a key");
        net.nodes()["gateway-0"].follower().wait_for(SOON, listed).await.expect("listed");
        let from_mix = mix.dial(node).await.expect("mixes are welcome");
        let secret = LinkSecret::generate(&mut rand::rng());
        let id = NodeId::of_key(secret.public().as_bytes());
        let link = mixbed_link::dial(&node.address, "local", &secret, &node.link_key, SOON);
        let link = link.await.expect("a link");
        // Noise XK lets the dialler finish first.
        let links_in = || metric(net.telemetry(), "mixbed_links{", "\"in\"");
        until(SOON, "the gateway has let both in", || links_in() == 2).await;
        Self { net, link, _mix: mix, from_mix, id, gateway, key }
    }

    async fn read(&mut self) -> Frame {
        let frame = tokio::time::timeout(SOON, self.link.reader.read()).await;
        frame.expect("in time").expect("the link is up").expect("it stays open")
    }

    /// Sends packets by way of the mix that the gateway is to pass on to the client at once.
    async fn send_to_itself(&mut self, count: usize) {
        for _ in 0..count {
            let filler = SphinxSecret::generate(&mut rand::rng()).public();
            let route: Route = std::array::from_fn(|hop| RouteHop {
                address: HopAddress {
                    node: if hop == 0 { self.gateway } else { self.id },
                    trace: None,
                },
                key: if hop == 0 { self.key } else { filler },
                delay: Duration::ZERO,
            });
            let destination = HopAddress { node: self.id, trace: None };
            let packet = Packet::seal(&route, destination, [0; 16], b"", &mut rand::rng());
            self.from_mix.writer.push(&Frame::Packet(packet.expect("fits"))).expect("sealed");
        }
        self.from_mix.writer.flush().await.expect("written");
    }
}

fn downlink(rate: f64) -> Rates {
    Rates { downlink: rate, ..Rates::default() }
}

/// How far the gaps between 100 dummies are from the law of 20 a second, and how many seconds they
/// took: 5, give or take 0.5.
async fn window(client: &mut HandClient) -> (f64, f64) {
    let start = Instant::now();
    let (mut last, mut gaps) = (start, Vec::new());
    for _ in 0..100 {
        assert_eq!(client.read().await, Frame::Dummy);
        gaps.push(last.elapsed().as_secs_f64());
        last = Instant::now();
    }
    gaps.sort_by(f64::total_cmp);
    let mut rank = 0.0;
    let distance = gaps.iter().fold(0.0_f64, |worst, gap| {
        rank += 1.0 / 100.0;
        worst.max((1.0 - (-gap * 20.0).exp() - rank).abs())
    });
    (distance, start.elapsed().as_secs_f64())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_client_receives_dummies_with_exponential_gaps() {
    let mut client = HandClient::new(downlink(20.0)).await;
    // The clock itself is held to the law where it lives. Here timers of whole milliseconds and a
    // busy machine blur it, so one window of five has to show it; a regular beat is 0.5 to 0.63 away
    // in all of them.
    let good = |(distance, took): &(f64, f64)| *distance < 0.3 && (3.5..7.0).contains(took);
    let mut windows = Vec::new();
    while !windows.last().is_some_and(good) {
        assert!(windows.len() < 5, "distances and seconds: {windows:?}");
        windows.push(window(&mut client).await);
    }
    // Counted after they are written.
    let read = 100 * windows.len() as u64;
    let sent = || metric(client.net.telemetry(), "mixbed_dummies_sent_total{", "gateway-0");
    until(SOON, "all dummies are counted", || sent() >= read).await;
    assert!(client.net.books().at_rest(), "dummies are in no account");
    assert_eq!(client.net.books().total(|node| node.sent), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_take_the_place_of_dummies_and_no_more_time_than_these() {
    let mut client = HandClient::new(downlink(50.0)).await;
    client.read().await;
    let start = Instant::now();
    client.send_to_itself(20).await;
    let mut packets = 0;
    while packets < 20 {
        packets += usize::from(client.read().await != Frame::Dummy);
    }
    // At once they would take a few milliseconds; 20 ticks within 100 ms happen in 1 of 10⁷ runs.
    assert!(start.elapsed() > Duration::from_millis(100), "{:?}", start.elapsed());
    until(SOON, "the books", || client.net.books().at_rest()).await;
    let books = client.net.books();
    let Readings { received, sent, .. } = books.nodes["gateway-0"];
    assert_eq!((received, sent, books.drops()), (20, 20, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pace_follows_the_document() {
    // A frame an hour: nothing comes down.
    let mut client = HandClient::new(downlink(1.0 / 3600.0)).await;
    client.send_to_itself(1).await;
    until(SOON, "the packet waits for its tick", || {
        client.net.books().total(|node| node.held) == 1
    })
    .await;
    set(&client.net, downlink(500.0)).await;
    // With a new tick; before it only if a worker still had it.
    let packet = async { while client.read().await == Frame::Dummy {} };
    tokio::time::timeout(SOON, packet).await.expect("the packet comes");
    assert_eq!(client.read().await, Frame::Dummy);
    set(&client.net, downlink(0.0)).await;
    // What is on its way still comes; then it is quiet, which at the old rate it never is that long.
    let quiet = async {
        let pause = Duration::from_secs(1);
        while tokio::time::timeout(pause, client.link.reader.read()).await.is_ok() {}
    };
    tokio::time::timeout(SOON, quiet).await.expect("no dummies any more");
    client.send_to_itself(3).await;
    for _ in 0..3 {
        assert!(matches!(client.read().await, Frame::Packet(_)), "packets at once, nothing else");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_pace_allows_is_dropped_by_name() {
    let mut client = HandClient::new(downlink(1.0 / 3600.0)).await;
    let bound = mixbed_node::Limits::default().client_queue as u64;
    // A few at a time: the workers' queue is short.
    for _ in 0..30 {
        let received = client.net.books().total(|node| node.received);
        client.send_to_itself(10).await;
        until(SOON, "ten more", || client.net.books().total(|node| node.received) == received + 10)
            .await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    until(SOON, "the queue is full and the rest is dropped", || {
        let books = client.net.books();
        let gateway = &books.nodes["gateway-0"];
        gateway.held == bound && gateway.closes() && gateway.dropped_total() == 300 - bound
    })
    .await;
    let reason = DropReason::LinkQueueFull;
    assert!(client.net.books().dropped(reason) > 0);
}
