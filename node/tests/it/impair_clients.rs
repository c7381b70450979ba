//! Impaired links between a gateway and its clients.

use std::time::{Duration, Instant};

use mixbed_directory::document::impairment::Selector;
use mixbed_directory::{ImpairmentRule, Role};
use mixbed_link::Link;
use mixbed_localnet::{LocalNet, LocalNetConfig};
use mixbed_wire::{DropReason, Frame, Impairment, Latency, NodeId};

use crate::gateway::{client, packet, until};
use crate::rig::{SOON, join};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn slow(latency: Duration) -> Impairment {
    Impairment { latency: Latency::Constant(latency), ..Impairment::NONE }
}

async fn net() -> LocalNet {
    let net = LocalNet::start(LocalNetConfig::default()).await.expect("a net");
    net.wait_ready(SOON).await.expect("ready");
    net
}

async fn impair(net: &LocalNet, rule: ImpairmentRule) {
    net.impair(vec![rule]).await.expect("the directory takes it");
}

/// A packet that the gateway drops for its next hop, once it has it.
async fn hand_in(net: &LocalNet, link: &mut Link) {
    let frame = Frame::Packet(packet(net, NodeId::from_bytes([1; 8]), None));
    link.writer.write(&frame).await.expect("the link is up");
}

fn impaired(net: &LocalNet) -> u64 {
    net.books().dropped(DropReason::Impaired)
}

fn came_through(net: &LocalNet) -> u64 {
    net.books().dropped(DropReason::UnknownNextHop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_hands_in_is_impaired_on_receipt() {
    let net = net().await;
    let mut client = client(&net).await;
    let way = |impairment| ImpairmentRule::between(Selector::Client, Selector::Gateway, impairment);
    impair(&net, way(slow(MS(100)))).await;
    let sent = Instant::now();
    hand_in(&net, &mut client.link).await;
    until(&net, |net| came_through(net) == 1).await;
    assert!(sent.elapsed() >= MS(100), "{:?}", sent.elapsed());

    impair(&net, way(Impairment::PARTITION)).await;
    hand_in(&net, &mut client.link).await;
    until(&net, |net| impaired(net) == 1).await;
    net.impair(Vec::new()).await.expect("cleared");
    hand_in(&net, &mut client.link).await;
    until(&net, |net| came_through(net) == 2 && net.books().at_rest()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dishonest_gateway_takes_one_clients_packets_only() {
    let net = net().await;
    let (mut victim, mut other) = (client(&net).await, client(&net).await);
    let gateway = Selector::Named("gateway-0".to_owned());
    let only = Selector::Named(victim.id.to_string());
    impair(&net, ImpairmentRule::only_from(gateway, only)).await;
    hand_in(&net, &mut other.link).await;
    until(&net, |net| impaired(net) == 1).await;
    hand_in(&net, &mut victim.link).await;
    until(&net, |net| came_through(net) == 1 && net.books().at_rest()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_and_dummies_down_to_a_client_fare_alike() {
    let net = net().await;
    let mut client = client(&net).await;
    // The gateway knows a client from which it takes packets.
    hand_in(&net, &mut client.link).await;
    until(&net, |net| came_through(net) == 1).await;
    let way = |impairment| ImpairmentRule::between(Selector::Gateway, Selector::Client, impairment);
    impair(&net, way(slow(MS(100)))).await;
    // Somebody who hands the gateway what has crossed the mixes.
    let mix = join(&net, "by-hand", Role::Mix { layer: 3 }).await;
    let document = net.follower().wait_for(SOON, |document| document.node(&mix.id()).is_some());
    let document = document.await.expect("listed");
    for node in net.nodes().values() {
        let listed = node.follower().wait_for(SOON, |document| document.node(&mix.id()).is_some());
        listed.await.expect("listed");
    }
    let gateway = document.by_name("gateway-0").expect("listed");
    let mut link = mix.dial(gateway).await.expect("a link");
    let frame = Frame::Packet(packet(&net, client.id, None));
    let sent = Instant::now();
    link.writer.write(&frame).await.expect("the link is up");
    let arrived = tokio::time::timeout(SOON, client.link.reader.read()).await.expect("in time");
    assert!(matches!(arrived, Ok(Some(Frame::Packet(_)))), "{arrived:?}");
    assert!(sent.elapsed() >= MS(100), "{:?}", sent.elapsed());

    // On a clock, a dummy is due each 5 ms; of a link that is cut nothing comes at all.
    net.change(|parameters| {
        parameters.rates.downlink = 200.0;
        parameters.impairments = vec![way(Impairment::PARTITION)];
    })
    .await
    .expect("changed");
    let silence =
        async { while tokio::time::timeout(MS(150), client.link.reader.read()).await.is_ok() {} };
    tokio::time::timeout(SOON, silence).await.expect("nothing comes any more");
    net.impair(Vec::new()).await.expect("cleared");
    let arrived = tokio::time::timeout(SOON, client.link.reader.read()).await.expect("in time");
    assert!(matches!(arrived, Ok(Some(Frame::Dummy))), "{arrived:?}");
}
