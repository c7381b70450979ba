//! How a client says how it is, and what it does about it.

use std::time::Duration;

use mixbed_client::{Client, ClientConfig, RequestError, State};
use mixbed_directory::{Follower, FollowerConfig, IdentitySecret, Role, Trust};
use mixbed_localnet::HandPeer;
use mixbed_wire::NodeId;

use crate::rig::{Rig, SOON, Wish, client};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_directory_it_is_not_ready_and_says_why() {
    let key = IdentitySecret::generate(&mut rand::rng()).public();
    let config = FollowerConfig::new("mixbed://127.0.0.1:1", Trust::single("local", key));
    let client = Client::connect(ClientConfig::new(Follower::start(config).expect("a good URL")));
    let mut state = client.state();
    let degraded = state.wait_for(|state| matches!(state, State::Degraded { .. }));
    let why = tokio::time::timeout(SOON, degraded).await.expect("soon").expect("alive").to_string();
    assert!(why.contains("no document of the network"), "{why}");
    let limit = Duration::from_millis(200);
    let error = client.wait_ready(limit).await.expect_err("there is no directory");
    assert!(!error.state.can_send());
    let error = client.request("echo", b"", limit).await.expect_err("there is no directory");
    assert!(matches!(error, RequestError::NotReady(_)), "{error}");
    client.stop().await;
    assert_eq!(*client.state().borrow(), State::Stopped);
    let error = client.request("echo", b"", limit).await.expect_err("stopped");
    assert!(matches!(error, RequestError::Stopped), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_by_the_last_document_while_the_directory_is_away() {
    let mut rig = Rig::new(Wish::default()).await;
    rig.net.stop_directory().await;
    let mut state = rig.client.state();
    let away = state.wait_for(|state| matches!(state, State::Degraded { sending: true, .. }));
    tokio::time::timeout(SOON, away).await.expect("soon").expect("alive");
    rig.client.request("echo", b"hello", SOON).await.expect("answered");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_its_gateway_fails_it_takes_another() {
    let mut rig = Rig::new(Wish::default()).await;
    for round in 0..2 {
        // Whichever it uses: after both were away in turn it has had to change.
        let name = format!("gateway-{round}");
        rig.net.stop_node(&name, Duration::ZERO).await;
        rig.client.request("echo", b"hello", 3 * SOON).await.expect("by the other gateway");
        rig.net.start_node(&name).await.expect("its port is free");
        rig.net.wait_ready(SOON).await.expect("listed again");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_swallows_everything_is_left_for_another() {
    let mut rig = Rig::new(Wish::default()).await;
    let (url, trust, secret) = (rig.net.directory_url(), rig.net.trust(), rig.net.join_secret());
    let hung = HandPeer::join("hung", Role::Gateway, &url, trust, secret).await.expect("admitted");
    for gateway in ["gateway-0", "gateway-1"] {
        rig.net.stop_node(gateway, Duration::ZERO).await;
    }
    let client = rig.client.clone();
    // The others are closed: the client comes here, and so do mixes.
    let own = client.id();
    let (came, comes) = tokio::sync::oneshot::channel();
    let swallowing = tokio::spawn(async move {
        let (mut links, mut came) = (Vec::new(), Some(came));
        while let Ok(link) = hung.accept().await {
            if NodeId::of_key(link.peer.as_bytes()) == own {
                came.take().map(|came| came.send(()));
            }
            links.push(link);
        }
    });
    tokio::time::timeout(SOON, comes).await.expect("soon").expect("it accepts");
    client.wait_ready(SOON).await.expect("linked");

    let mut state = client.state();
    let asked = tokio::spawn(async move { client.request("echo", b"hello", 6 * SOON).await });
    // There is no other yet: it comes here again and again, should this be missed once.
    let nothing =
        |state: &State| matches!(state, State::Degraded { why, .. } if why.contains("comes back"));
    let noticed = tokio::time::timeout(3 * SOON, state.wait_for(nothing)).await;
    drop(noticed.expect("it notices").expect("alive"));
    rig.net.start_node("gateway-0").await.expect("its port is free");
    let answer = asked.await.expect("no panic").expect("by the other gateway");
    assert_eq!(answer.data, b"hello");
    swallowing.abort();
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_gateway_is_used_and_no_other() {
    let mut rig = Rig::new(Wish::default()).await;
    let named = client(&rig.net, &rig.telemetry, Some("gateway-1"));
    named.request("echo", b"hello", SOON).await.expect("answered");
    rig.net.stop_node("gateway-1", Duration::ZERO).await;
    let mut state = named.state();
    let lost = state.wait_for(|state| matches!(state, State::Degraded { sending: false, .. }));
    let why = tokio::time::timeout(SOON, lost).await.expect("soon").expect("alive").to_string();
    assert!(why.contains("gateway-1"), "{why}");
    rig.net.start_node("gateway-1").await.expect("its port is free");
    named.request("echo", b"hello", 3 * SOON).await.expect("it is back");
    named.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_when_nobody_holds_it_any_more() {
    let rig = Rig::new(Wish::default()).await;
    let other = client(&rig.net, &rig.telemetry, None);
    let mut state = other.state();
    other.wait_ready(SOON).await.expect("ready");
    drop(other);
    let stopped = state.wait_for(|state| *state == State::Stopped);
    tokio::time::timeout(SOON, stopped).await.expect("soon").expect("it says so");
    rig.stop().await;
}
