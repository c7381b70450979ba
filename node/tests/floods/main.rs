//! A node that floods. In a program of its own: it takes all the CPU there is, which tests of time
//! beside it would feel.

#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "../it/rig.rs"]
mod rig;

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
    // Read while they change: they need not close.
    let flooded = async {
        while rig.node.readings().dropped[shed] <= 1000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(SOON, flooded).await.expect("more than the workers can do");
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
