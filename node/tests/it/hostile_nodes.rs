//! Nodes of the network that misbehave. Each time, what honest ones hand in gets through.

use std::time::Duration;

use mixbed_directory::Role;
use mixbed_link::Link;
use mixbed_localnet::HandPeer;
use mixbed_node::Limits;
use mixbed_wire::{DropReason, Frame};

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

/// The node takes a packet from this link.
async fn takes(rig: &Rig, link: &mut Link) {
    let received = rig.node.readings().received;
    link.writer.write(&Frame::Packet(rig.packet())).await.expect("the link is up");
    rig.books(|books| books.received == received + 1).await;
}

/// One that asks for the longest delays fills two thirds of the pool, and the rest serves others.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_fill_the_pool() {
    // One link's two thirds of the places before a single worker are enough for all.
    let limits = Limits { pool: 60, queue_per_worker: 256, ..Limits::default() };
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
    takes(&rig, &mut first).await;
    let document = rig.node.follower().current().expect("a document");
    let node = document.node(&rig.node.id()).expect("listed");
    let mut links = Vec::new();
    for _ in 0..2 {
        let mut link = peer.dial(node).await.expect("it has a key of the net");
        takes(&rig, &mut link).await;
        links.push(link);
    }
    let end = tokio::time::timeout(SOON, first.reader.read()).await.expect("the oldest ends");
    assert!(!matches!(end, Ok(Some(_))), "{end:?}");
    for link in &mut links {
        takes(&rig, link).await;
    }
}
