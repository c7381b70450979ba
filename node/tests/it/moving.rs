//! Peers that start again, at their address or at another one, are dialled at once.

use std::time::{Duration, Instant};

use mixbed_directory::{Descriptor, IdentitySecret, Registrar, RegistrarConfig, Role, SphinxKey};
use mixbed_node::{Limits, Node};
use mixbed_wire::{LinkSecret, SphinxSecret};
use tokio::net::TcpListener;

use crate::rig::{Rig, SOON};

/// Less than the shortest pause between two tries when all before have failed.
const AT_ONCE: Duration = Duration::from_secs(2);

/// So many tries fail until the pauses between them are at their longest.
const TRIES: u64 = 8;

fn key(epoch: u64) -> Vec<SphinxKey> {
    vec![SphinxKey { epoch, key: SphinxSecret::generate(&mut rand::rng()).public() }]
}

/// Waits until dialling a dead peer has failed so often that the next try is a long way off.
async fn until_it_tries_seldom(rig: &Rig, failed: u64) {
    let failures = || {
        let text = rig.telemetry.metrics_text();
        let lines = text.lines().filter(|line| line.starts_with("mixbed_link_handshakes_failed"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum::<u64>()
    };
    let seldom = async {
        while failures() < failed {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(3 * SOON, seldom).await.expect("it goes on trying");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_back_is_dialled_at_once_wherever_it_is() {
    let rig = Rig::new(Limits::default()).await;
    let dead = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = dead.local_addr().expect("bound");
    drop(dead);
    let identity = IdentitySecret::generate(&mut rand::rng());
    let mut descriptor = Descriptor {
        name: "moving".to_owned(),
        identity: identity.public(),
        role: Role::Mix { layer: 3 },
        link_key: LinkSecret::generate(&mut rand::rng()).public(),
        address: address.to_string(),
        sphinx_keys: key(0),
        services: Vec::new(),
        version: String::new(),
    };
    let config = RegistrarConfig {
        url: rig.net.directory_url(),
        trust: rig.net.trust().clone(),
        identity,
        join_secret: Some(rig.net.join_secret().clone()),
    };
    let registrar = Registrar::start(config, descriptor.clone()).expect("a good descriptor");
    until_it_tries_seldom(&rig, TRIES).await;

    // At its address, with the new packet keys of a new start.
    let back = TcpListener::bind(address).await.expect("its port is free");
    descriptor.sphinx_keys = key(0);
    registrar.update(descriptor.clone()).expect("a good descriptor");
    let (link, _) = tokio::time::timeout(AT_ONCE, back.accept()).await.expect("soon").expect("up");
    // Whoever takes a link and closes it at once is dialled more and more seldom, too.
    drop((link, back));
    until_it_tries_seldom(&rig, 2 * TRIES).await;

    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    descriptor.address = elsewhere.local_addr().expect("bound").to_string();
    registrar.update(descriptor).expect("a good descriptor");
    let accepted = tokio::time::timeout(AT_ONCE, elsewhere.accept()).await;
    accepted.expect("soon").expect("up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_is_listed_at_its_new_address_long_before_its_lease_is_over() {
    let mut rig = Rig::new(Limits::default()).await;
    let (id, old) = (rig.node.id(), rig.node.address());
    rig.node.stop(Duration::ZERO).await;
    let began = Instant::now();
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    rig.node = Node::start((*rig.config).clone(), socket, &rig.telemetry).expect("a node");
    let new = rig.node.address().to_string();
    assert_ne!(new, old.to_string());
    let moved = |document: &mixbed_directory::Document| {
        document.node(&id).is_some_and(|node| node.address == new)
    };
    rig.net.follower().wait_for(SOON, moved).await.expect("listed at its new address");
    assert!(began.elapsed() < SOON, "a lease lasts 60 s");
}
