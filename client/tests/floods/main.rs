//! Requests while somebody else on the same gateway and the same mixes floods them. In a program of
//! its own: a flood takes all the CPU there is, which tests of time beside it would feel.

#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "../net/rig.rs"]
mod rig;

use std::time::{Duration, Instant};

use mixbed_client::Client;
use mixbed_directory::{Document, Role};
use mixbed_link::LinkWriter;
use mixbed_localnet::{HandPeer, LocalNet};
use mixbed_wire::{
    Frame, HopAddress, LinkSecret, NodeId, PACKET_SIZE, Packet, RouteHop, SphinxSecret,
};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::rig::{Rig, SOON, Wish};

const REQUESTS: u32 = 30;

/// One flood at a time.
static FLOOD: Mutex<()> = Mutex::const_new(());

/// The mean time of an echo. Every one has to be answered.
async fn echoes(client: &Client) -> Duration {
    let began = Instant::now();
    for number in 0..REQUESTS {
        let sent = number.to_be_bytes();
        let answer = client.request("echo", &sent, 3 * SOON).await.expect("answered");
        assert_eq!(answer.data, sent);
    }
    began.elapsed() / REQUESTS
}

/// Garbage, copies of one packet and packets that ask for the longest delay, 64 at a time.
async fn flood(mut writer: LinkWriter, packets: Vec<Packet>) {
    loop {
        for packet in packets.iter().cycle().take(64) {
            writer.push(&Frame::Packet(packet.clone())).expect("sealed");
        }
        if writer.flush().await.is_err() {
            return;
        }
    }
}

/// Packets for a node that are to go on to `next` after this long.
fn packets(
    document: &Document,
    to: &str,
    next: NodeId,
    delay: Duration,
    count: usize,
) -> Vec<Packet> {
    let node = document.by_name(to).expect("listed");
    let other = SphinxSecret::generate(&mut rand::rng()).public();
    let hop = |node, key| RouteHop { address: HopAddress { node, trace: None }, key, delay };
    let onward = hop(next, other);
    let key = *node.sphinx_key(document.epoch).expect("a key");
    let route = [hop(node.id(), key), onward, onward, onward, onward];
    let seal = |_| Packet::seal(&route, onward.address, [0; 16], b"", &mut rand::rng());
    (0..count).map(seal).collect::<Result<_, _>>().expect("they fit")
}

fn hostile(document: &Document, to: &str, next: NodeId) -> Vec<Packet> {
    let mut all = packets(document, to, next, Duration::from_secs(50), 20);
    all.extend(packets(document, to, NodeId::from_bytes([1; 8]), Duration::ZERO, 5));
    all.push(Packet::from_bytes(&[0x5a; PACKET_SIZE]));
    all
}

fn document(net: &LocalNet) -> std::sync::Arc<Document> {
    net.follower().current().expect("a document")
}

/// By how much a flood may slow others down, on a machine that also has to make the flood: its CPU
/// is shared, its packets are not in the way.
const SLOWER: u32 = 20;

/// Echoes during floods, which end with it; `before` is what they took without.
async fn assert_bearable(client: &Client, before: Duration, floods: &[JoinHandle<()>]) {
    let flooded = echoes(client).await;
    assert!(floods.iter().all(|flood| !flood.is_finished()), "they were at it all the time");
    floods.iter().for_each(JoinHandle::abort);
    // The machine may have got slower meanwhile.
    let alone = before.max(echoes(client).await);
    assert!(flooded < alone.max(Duration::from_millis(20)) * SLOWER, "{alone:?}, {flooded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_while_other_clients_flood_the_gateway() {
    let _only = FLOOD.lock().await;
    let rig = Rig::new(Wish::default()).await;
    let alone = echoes(&rig.client).await;
    let document = document(&rig.net);
    let mix = document.by_name("mix-1-0").expect("listed").id();
    let mut floods = Vec::new();
    for gateway in document.gateways() {
        for _ in 0..2 {
            let key = LinkSecret::generate(&mut rand::rng());
            let address = &gateway.address;
            let link = mixbed_link::dial(address, "local", &key, &gateway.link_key, SOON).await;
            let packets = hostile(&document, &gateway.name, mix);
            floods.push(tokio::spawn(flood(link.expect("welcome").writer, packets)));
        }
    }
    assert_bearable(&rig.client, alone, &floods).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_while_a_node_floods_the_mixes() {
    let _only = FLOOD.lock().await;
    let rig = Rig::new(Wish::default()).await;
    let alone = echoes(&rig.client).await;
    // Providers hand in replies at mix 1; requests ask for the service by name, which it lacks.
    let (directory, trust) = (rig.net.directory_url(), rig.net.trust());
    let secret = rig.net.join_secret();
    let peer = HandPeer::join("intruder", Role::Provider, &directory, trust, secret)
        .await
        .expect("admitted");
    let listed = |document: &Document| document.node(&peer.id()).is_some();
    let node = &rig.net.nodes()["mix-1-0"];
    let document = node.follower().wait_for(SOON, listed).await.expect("listed");
    let mix = document.by_name("mix-1-0").expect("listed");
    let link = peer.dial(mix).await.expect("a node like any other");
    let next = document.by_name("mix-2-0").expect("listed").id();
    let packets = hostile(&document, "mix-1-0", next);
    let flood = tokio::spawn(flood(link.writer, packets));
    assert_bearable(&rig.client, alone, &[flood]).await;
    rig.stop().await;
}
