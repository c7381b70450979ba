//! Authority, registrars and followers over loopback.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::time::Instant;

use common::{SOON, authority, descriptor, registrar, small_network};
use mixbed_directory::{Follower, FollowerConfig, FollowerState, Role};

#[tokio::test]
async fn a_network_is_ready_soon_after_its_nodes_start() {
    let authority = authority().await;
    let started = Instant::now();
    let follower =
        Follower::start(FollowerConfig::new(authority.url(), authority.trust())).unwrap();
    let nodes = small_network();
    let registrars: Vec<_> =
        nodes.iter().map(|(seed, node)| registrar(&authority.url(), *seed, node.clone())).collect();
    let document = follower.wait_ready(SOON).await.unwrap();
    assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
    assert_eq!(document.nodes.len(), nodes.len());
    assert_eq!(follower.state(), FollowerState::Following);
    for registrar in &registrars {
        registrar.wait_registered(SOON).await.unwrap();
    }
    authority.shutdown().await;
}

#[tokio::test]
async fn a_node_that_leaves_is_off_the_next_document() {
    let authority = authority().await;
    let follower =
        Follower::start(FollowerConfig::new(authority.url(), authority.trust())).unwrap();
    let node = registrar(&authority.url(), 1, descriptor("gateway-0", 1, Role::Gateway));
    follower.wait_for(SOON, |document| document.by_name("gateway-0").is_some()).await.unwrap();
    node.unregister().await.unwrap();
    follower.wait_for(SOON, |document| document.nodes.is_empty()).await.unwrap();
}
