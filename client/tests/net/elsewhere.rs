//! A gateway that is reached by another address than the one it has given.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mixbed_client::{Client, ClientConfig, State};
use mixbed_directory::{Follower, FollowerConfig};
use tokio::net::{TcpListener, TcpStream};

use crate::rig::{Rig, SOON, Wish};

/// Forwards connections, and counts them.
async fn forward(to: String) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counted.fetch_add(1, Relaxed);
            let to = to.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    (address, count)
}

fn client(rig: &Rig, gateway: Option<&str>, at: SocketAddr) -> Client {
    let follower = FollowerConfig::new(rig.net.directory_url(), rig.net.trust().clone());
    Client::connect(ClientConfig {
        gateway: gateway.map(str::to_owned),
        gateway_at: Some(at.to_string()),
        ..ClientConfig::new(Follower::start(follower).expect("a good URL"))
    })
}

fn address(rig: &Rig, gateway: &str) -> String {
    let document = rig.net.follower().current().expect("a document");
    document.by_name(gateway).expect("listed").address.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_behind_a_port_forward_uses_it_and_nothing_else() {
    let rig = Rig::new(Wish::default()).await;
    let (at, count) = forward(address(&rig, "gateway-1")).await;
    let client = client(&rig, Some("gateway-1"), at);
    client.wait_ready(SOON).await.expect("ready");
    client.request("echo", b"hello", SOON).await.expect("answered");
    assert_eq!(count.load(Relaxed), 1);
    client.stop().await;

    let anywhere = self::client(&rig, None, at);
    anywhere.wait_ready(SOON).await.expect("ready");
    assert_eq!(count.load(Relaxed), 1, "it says nothing of other gateways");
    anywhere.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_there_has_to_be_the_gateway() {
    let rig = Rig::new(Wish::default()).await;
    let (at, count) = forward(address(&rig, "gateway-0")).await;
    let client = client(&rig, Some("gateway-1"), at);
    let mut state = client.state();
    let refused = state.wait_for(
        |state| matches!(state, State::Degraded { why, .. } if why.contains(&at.to_string())),
    );
    tokio::time::timeout(SOON, refused).await.expect("soon").expect("alive");
    assert!(count.load(Relaxed) > 0);
    assert!(!client.state().borrow().can_send());
    client.stop().await;
    rig.stop().await;
}
