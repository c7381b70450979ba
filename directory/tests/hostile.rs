//! Peers that are wrong, broken or malicious.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use common::{
    NETWORK, SOON, authority, config, follower, gateway, identity, join_secret, registrar_config,
    standing_of, state_of,
};
use mixbed_directory::registrar::RegistrarError;
use mixbed_directory::{
    Authority, AuthorityConfig, ClientError, DirectoryClient, FollowerState, JoinSecret, Reason,
    Registrar, RegistrarConfig, RegistrarState, Registration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_node_with_a_wrong_join_secret_is_told() {
    let authority = authority().await;
    let join_secret = JoinSecret::new("not the secret of the network").unwrap();
    let config = RegistrarConfig { join_secret, ..registrar_config(&authority.url(), 1) };
    let node = Registrar::start(config, gateway(1)).unwrap();
    let error = node.wait_registered(SOON).await.unwrap_err();
    match &error {
        RegistrarError::Rejected { reason: Reason::WrongJoinSecret, message } => {
            assert!(message.contains("give the node the secret"), "{message}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(node.counters().rejected.load(Relaxed), 1, "it does not try again soon");
    let counted: u64 = authority.counters().rejected().map(|(_, count)| count).sum();
    assert_eq!(counted, 1);
    assert!(authority.counters().rejected().any(|(r, n)| r == Reason::WrongJoinSecret && n == 1));
    assert!(authority.document().unwrap().nodes.is_empty());
}

#[tokio::test]
async fn a_node_of_another_network_is_told() {
    let authority = authority().await;
    let config =
        RegistrarConfig { network: "othernet".to_owned(), ..registrar_config(&authority.url(), 1) };
    let node = Registrar::start(config, gateway(1)).unwrap();
    let rejected = |state: &RegistrarState| matches!(state, RegistrarState::Rejected { .. });
    match standing_of(&node, rejected).await {
        RegistrarState::Rejected { reason, .. } => assert_eq!(reason, Reason::WrongNetwork),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_replayed_registration_is_refused() {
    let authority = authority().await;
    let client = DirectoryClient::new(&authority.url()).unwrap();
    let message =
        |issued_at| Registration::new(gateway(1), NETWORK, issued_at, &identity(1), &join_secret());
    let now = SystemTime::now();
    let reason = |error: ClientError| match error {
        ClientError::Rejected { reason, .. } => reason,
        other => panic!("{other}"),
    };
    client.register(&message(now)).await.unwrap();
    assert_eq!(reason(client.register(&message(now)).await.unwrap_err()), Reason::Replayed);
    let old = message(now - Duration::from_secs(120));
    assert_eq!(reason(client.register(&old).await.unwrap_err()), Reason::Stale);
}

#[tokio::test]
async fn watchers_are_bounded_by_name() {
    let authority =
        Authority::start(AuthorityConfig { max_watchers: 1, ..config() }).await.unwrap();
    let first = follower(&authority);
    state_of(&first, |state| *state == FollowerState::Following).await;
    let second = follower(&authority);
    let refused = state_of(&second, |state| {
        matches!(state, FollowerState::Connecting { last_error: Some(_), .. })
    });
    let refused = refused.await.to_string();
    assert!(refused.contains("too many watchers"), "{refused}");
    assert!(authority.counters().watchers_refused.load(Relaxed) > 0);
    drop(first);
    state_of(&second, |state| *state == FollowerState::Following).await;
}

#[tokio::test]
async fn garbage_half_a_frame_and_silence_disturb_nobody() {
    let authority = authority().await;
    let mut peers = Vec::new();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let half_a_frame = [preface.as_slice(), &[0, 0, 200, 1, 4, 0]].concat();
    let huge_frame = [preface.as_slice(), &[255, 255, 255, 1, 4, 0, 0, 0, 1]].concat();
    for words in
        [vec![], vec![0xa5; 10_000], b"GET / HTTP/1.1\r\n\r\n".to_vec(), half_a_frame, huge_frame]
    {
        let mut tcp = TcpStream::connect(authority.address()).await.unwrap();
        // Garbage may be answered with a reset before all of it is written.
        let _ = tcp.write_all(&words).await;
        peers.push(tcp);
    }
    let mut answer = Vec::new();
    let hung_up = tokio::time::timeout(SOON, peers[1].read_to_end(&mut answer)).await;
    assert!(hung_up.is_ok(), "a peer that speaks garbage is hung up on");

    let follower = follower(&authority);
    let node = common::registrar(&authority.url(), 1, gateway(1));
    node.wait_registered(SOON).await.unwrap();
    follower.wait_for(SOON, |document| document.nodes.len() == 1).await.unwrap();
    assert!(authority.is_running());
}
