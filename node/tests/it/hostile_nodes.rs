//! Nodes of the network that misbehave. Each time, what honest ones hand in gets through.

use std::time::Duration;

use mixbed_directory::Role;
use mixbed_link::{Link, LinkWriter};
use mixbed_localnet::HandPeer;
use mixbed_node::Limits;
use mixbed_wire::{DropReason, Frame, PACKET_SIZE, Packet};

use crate::rig::{Rig, SOON, join};

/// Another node of the layer before, and its link to the tested one.
async fn intruder(rig: &Rig) -> (HandPeer, Link) {
    let peer = join(&rig.net, "intruder", Role::Mix { layer: 1 }).await;
    let listed = |document: &mixbed_directory::Document| document.node(&peer.id()).is_some();
    let document = rig.node.follower().wait_for(SOON, listed).await.expect("listed");
    let node = document.node(&rig.node.id()).expect("listed");
    let link = peer.dial(node).await.expect("it has a key of the net");
    (peer, link)
}

/// Sends these frames over and over, 64 at a time, as fast as the node takes them.
async fn flood(writer: &mut LinkWriter, packets: &[Packet]) {
    loop {
        for packet in packets.iter().cycle().take(64) {
            writer.push(&Frame::Packet(packet.clone())).expect("sealed");
        }
        if writer.flush().await.is_err() {
            return;
        }
    }
}

/// Full rate, whatever it is that comes: garbage, copies of one packet, packets for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_floods_sheds_its_own_packets_only() {
    let limits = Limits { workers: Some(1), ..Limits::default() };
    let mut rig = Rig::new(limits).await;
    let (_peer, link) = intruder(&rig).await;
    let mut writer = link.writer;
    let stray = rig.route(mixbed_wire::NodeId::from_bytes([1; 8]), Duration::ZERO, None);
    let packets =
        [Packet::from_bytes(&[0x5a; PACKET_SIZE]), rig.packet(), rig.seal(&stray), rig.packet()];
    let flooding = tokio::spawn(async move { flood(&mut writer, &packets).await });
    let shed = DropReason::QueueFull.index();
    rig.books_at_any_time(|books| books.dropped[shed] > 1000).await;
    for _ in 0..40 {
        for _ in 0..4 {
            let packet = rig.packet();
            rig.there.writer.push(&Frame::Packet(packet)).expect("sealed");
        }
        rig.there.writer.flush().await.expect("the link is up");
        for _ in 0..4 {
            // Those of the flood that are worth something are two.
            rig.receive().await;
        }
    }
    assert!(!flooding.is_finished(), "it was at it all the time");
    flooding.abort();
}

/// One that asks for the longest delays fills two thirds of the pool, and the rest serves others.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_fill_the_pool() {
    let limits = Limits { pool: 60, ..Limits::default() };
    let mut rig = Rig::new(limits).await;
    let (_peer, mut link) = intruder(&rig).await;
    let slow = rig.route(rig.after.id(), Duration::from_secs(50), None);
    for _ in 0..100 {
        let packet = rig.seal(&slow);
        link.writer.write(&Frame::Packet(packet)).await.expect("the link is up");
    }
    let books = rig.books(|books| books.received == 100 && books.held == 40).await;
    assert_eq!(books.dropped[DropReason::PoolFull.index()], 60);
    for _ in 0..50 {
        let packet = rig.packet();
        rig.send(&packet).await;
        rig.receive().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_keeps_its_newest_two_links() {
    let rig = Rig::new(Limits::default()).await;
    let (peer, mut first) = intruder(&rig).await;
    let document = rig.node.follower().current().expect("a document");
    let node = document.node(&rig.node.id()).expect("listed");
    let mut links = Vec::new();
    for _ in 0..2 {
        let mut link = peer.dial(node).await.expect("it has a key of the net");
        let received = rig.node.readings().received;
        link.writer.write(&Frame::Packet(rig.packet())).await.expect("the link is up");
        rig.books(|books| books.received == received + 1).await;
        links.push(link);
    }
    let end = tokio::time::timeout(SOON, first.reader.read()).await.expect("the oldest ends");
    assert!(!matches!(end, Ok(Some(_))), "{end:?}");
    for link in &mut links {
        let received = rig.node.readings().received;
        link.writer.write(&Frame::Packet(rig.packet())).await.expect("still up");
        rig.books(|books| books.received == received + 1).await;
    }
}
