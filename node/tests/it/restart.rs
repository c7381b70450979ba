//! A node that starts again accepts nothing that it has seen before.

use std::time::Duration;

use mixbed_node::{Limits, Node};
use mixbed_wire::DropReason;
use tokio::net::TcpListener;

use crate::rig::{Rig, SOON};

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_recorded_before_a_restart_is_none_for_the_node_after_it() {
    let mut rig = Rig::new(Limits::default()).await;
    let recorded = rig.packet();
    rig.send(&recorded).await;
    rig.receive().await;
    let epoch = rig.node.follower().epoch().expect("a document");
    let (id, old_key, address) = (rig.node.id(), rig.key, rig.node.address());

    rig.node.stop(Duration::ZERO).await;
    let socket = TcpListener::bind(address).await.expect("its port is free again");
    rig.node = Node::start((*rig.config).clone(), socket, &rig.telemetry).expect("a node");
    rig.onward = rig.after.accept().await.expect("the node dials its next hop");
    let key_of = |document: &mixbed_directory::Document| {
        document.node(&id).and_then(|node| node.sphinx_key(document.epoch)).copied()
    };
    let renewed =
        |document: &mixbed_directory::Document| key_of(document).is_some_and(|key| key != old_key);
    let document = rig.net.follower().wait_for(SOON, renewed).await.expect("another key");
    assert_eq!(rig.node.follower().epoch(), Some(epoch), "within the same epoch");
    let descriptor = document.node(&id).expect("listed");
    rig.key = key_of(&document).expect("a key");
    rig.there = rig.before.dial(descriptor).await.expect("a link");

    rig.send(&recorded).await;
    rig.dropped(DropReason::BadMac, 1).await;
    let fresh = rig.packet();
    rig.send(&fresh).await;
    rig.receive().await;
    let books = rig.books(|books| books.sent == 1).await;
    assert_eq!((books.received, books.dropped_total()), (2, 1));
}
