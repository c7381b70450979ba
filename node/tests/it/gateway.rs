//! A gateway between clients that the test plays by hand.

use std::time::Duration;

use mixbed_directory::{Descriptor, Parameters, Role};
use mixbed_link::Link;
use mixbed_localnet::{HandPeer, LocalNet, LocalNetConfig};
use mixbed_node::Limits;
use mixbed_telemetry::{Options, Telemetry};
use mixbed_wire::{
    DropReason, Frame, HopAddress, LinkSecret, NodeId, Packet, RouteHop, SphinxSecret,
    TraceContext, Unwrapped,
};

use crate::rig::SOON;

pub(crate) struct Client {
    pub(crate) id: NodeId,
    pub(crate) link: Link,
}

pub(crate) async fn client(net: &LocalNet) -> Client {
    let key = LinkSecret::generate(&mut rand::rng());
    let document = net.follower().current().expect("a document");
    let gateway = document.by_name("gateway-0").expect("listed");
    let link = mixbed_link::dial(&gateway.address, "local", &key, &gateway.link_key, SOON)
        .await
        .expect("clients are welcome");
    Client { id: NodeId::of_key(key.public().as_bytes()), link }
}

/// A packet for the gateway, to be passed on to `next`.
pub(crate) fn packet(net: &LocalNet, target: NodeId, trace: Option<TraceContext>) -> Packet {
    let document = net.follower().current().expect("a document");
    let gateway = document.by_name("gateway-0").expect("listed");
    let key = *gateway.sphinx_key(document.epoch).expect("a key");
    let other = SphinxSecret::generate(&mut rand::rng()).public();
    let hop =
        |node, key| RouteHop { address: HopAddress { node, trace }, key, delay: Duration::ZERO };
    let onward = hop(target, other);
    let route = [hop(gateway.id(), key), onward, onward, onward, onward];
    Packet::seal(&route, onward.address, [0; 16], b"hello", &mut rand::rng()).expect("fits")
}

/// Cover that ends at this gateway, as it comes from its fourth hop: the test plays those before
/// itself.
fn crossed(gateway: &Descriptor, epoch: u64) -> Packet {
    let secrets: [_; 4] = std::array::from_fn(|_| SphinxSecret::generate(&mut rand::rng()));
    let exit = HopAddress { node: gateway.id(), trace: None };
    let own = *gateway.sphinx_key(epoch).expect("a key");
    let route = std::array::from_fn(|hop| RouteHop {
        address: exit,
        key: secrets.get(hop).map_or(own, SphinxSecret::public),
        delay: Duration::ZERO,
    });
    let mut packet = Packet::seal(&route, exit, [0; 16], &[0], &mut rand::rng()).expect("fits");
    for secret in &secrets {
        match packet.open(secret).expect("for this hop").unwrap(packet).expect("well made") {
            Unwrapped::Forward { packet: inner, .. } => packet = inner,
            Unwrapped::Exit(_) => panic!("too early"),
        }
    }
    packet
}

pub(crate) async fn until(net: &LocalNet, wanted: impl Fn(&LocalNet) -> bool) {
    let settled = async {
        while !wanted(net) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let in_time = tokio::time::timeout(SOON, settled).await;
    in_time.unwrap_or_else(|_| panic!("the books say {:?}", net.books()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_reaches_neither_another_client_nor_a_stranger_without_the_mixes() {
    let net = LocalNet::start(LocalNetConfig::default()).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    let (mut one, other) = (client(&net).await, client(&net).await);
    let document = net.follower().current().expect("a document");
    let provider = document.by_name("provider-0").expect("listed").id();
    let targets = [other.id, NodeId::from_bytes([1; 8]), provider];
    for (number, target) in (1..).zip(targets) {
        let frame = Frame::Packet(packet(&net, target, None));
        one.link.writer.write(&frame).await.expect("the link is up");
        until(&net, |net| net.books().dropped(DropReason::UnknownNextHop) == number).await;
    }
    until(&net, |net| net.books().nodes["gateway-0"].closes()).await;
}

/// A mix may dial before the gateway has heard of it: what it then hands in is no client's.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_taken_for_a_client_and_is_listed_as_a_node_has_to_dial_again() {
    let net = LocalNet::start(LocalNetConfig::default()).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    let document = net.follower().current().expect("a document");
    let gateway = document.by_name("gateway-0").expect("listed");
    let key = LinkSecret::generate(&mut rand::rng());
    let early = mixbed_link::dial(&gateway.address, "local", &key, &gateway.link_key, SOON);
    let mut early = early.await.expect("an unknown key is a client's");
    // Noise XK lets the dialler finish first: the gateway has let it in once it takes a packet.
    let frame = Frame::Packet(packet(&net, NodeId::from_bytes([1; 8]), None));
    early.writer.write(&frame).await.expect("the link is up");
    until(&net, |net| net.books().dropped(DropReason::UnknownNextHop) == 1).await;
    let (url, trust, secret) = (net.directory_url(), net.trust(), net.join_secret());

    let joined = HandPeer::join_as(key, "mix-3-9", Role::Mix { layer: 3 }, &url, trust, secret);
    let mix = joined.await.expect("a mix");
    let ended = tokio::time::timeout(SOON, early.reader.read()).await.expect("it ends");
    assert!(!matches!(ended, Ok(Some(_))), "nothing is written down to a mix");

    let mut link = mix.dial(gateway).await.expect("nodes are let in");
    let before = net.books().nodes["gateway-0"].delivered;
    let packet = crossed(gateway, document.epoch);
    link.writer.write(&Frame::Packet(packet)).await.expect("the link is up");
    until(&net, |net| net.books().nodes["gateway-0"].delivered == before + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_reaches_its_gateways_mailboxes_through_the_mixes_only() {
    let net = LocalNet::start(LocalNetConfig::default()).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    let mut client = client(&net).await;
    let document = net.follower().current().expect("a document");
    let gateway = document.by_name("gateway-0").expect("listed");
    let packet = crossed(gateway, document.epoch);
    client.link.writer.write(&Frame::Packet(packet)).await.expect("the link is up");
    until(&net, |net| net.books().dropped(DropReason::NotForThisRole) == 1).await;
    until(&net, |net| net.books().nodes["gateway-0"].closes()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_floods_slows_itself_down_and_not_another() {
    let limits = Limits { workers: Some(1), ..Limits::default() };
    let config = LocalNetConfig { limits, ..LocalNetConfig::default() };
    let net = LocalNet::start(config).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    let (mut flooder, mut other) = (client(&net).await, client(&net).await);
    let flood = tokio::spawn(async move {
        let garbage = Frame::Packet(Packet::from_bytes(&[0x5a; mixbed_wire::PACKET_SIZE]));
        while flooder.link.writer.write(&garbage).await.is_ok() {}
    });
    until(&net, |net| net.books().dropped(DropReason::BadMac) > 100).await;
    for _ in 0..50 {
        let frame = Frame::Packet(packet(&net, NodeId::from_bytes([1; 8]), None));
        other.link.writer.write(&frame).await.expect("the link is up");
    }
    until(&net, |net| net.books().dropped(DropReason::UnknownNextHop) == 50).await;
    assert_eq!(net.books().dropped(DropReason::QueueFull), 0, "none was shed");
    flood.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_is_traced_only_where_the_document_allows_it() {
    let trace = TraceContext { trace_id: [5; 16], span_id: [6; 8] };
    for allowed in [false, true] {
        let telemetry =
            Telemetry::new(&Options { memory_spans: 10, ..Options::default() }).expect("telemetry");
        let config = LocalNetConfig {
            parameters: Parameters { tracing_allowed: allowed, ..Parameters::default() },
            telemetry: telemetry.clone(),
            ..LocalNetConfig::default()
        };
        let net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("ready");
        let mut client = client(&net).await;
        let frame = Frame::Packet(packet(&net, NodeId::from_bytes([1; 8]), Some(trace)));
        client.link.writer.write(&frame).await.expect("the link is up");
        until(&net, |net| net.books().dropped(DropReason::UnknownNextHop) == 1).await;
        if allowed {
            // It is kept after it is counted.
            let spans = telemetry.spans().wait_for(trace.trace_id, |spans| spans.len() == 1);
            tokio::time::timeout(SOON, spans).await.expect("a span");
        } else {
            assert_eq!(telemetry.spans().trace(trace.trace_id), []);
        }
    }
}
