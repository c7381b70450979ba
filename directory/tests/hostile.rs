//! Peers that are wrong, broken or malicious.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use common::{
    NETWORK, SOON, admin, authority, config, follower, gateway, identity, join_secret, registrar,
    registrar_config, standing_of, state_of,
};
use mixbed_directory::registrar::RegistrarError;
use mixbed_directory::{
    Admission, Authority, AuthorityConfig, ClientError, Descriptor, Directories, DirectoryClient,
    FollowerState, Instruction, JoinSecret, ListedNode, NodeList, Order, Parameters, Reason,
    Registrar, RegistrarConfig, RegistrarState, Registration, Trust,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A node that knows the join secret claims another one's name at its address, and orders what an
/// admin orders: over gRPC, as an attacker would.
#[tokio::test]
async fn a_node_in_bad_hands_evicts_and_orders_nothing() {
    let authority = authority().await;
    let follower = follower(&authority);
    let honest = registrar(&authority.url(), 1, gateway(1));
    honest.wait_registered(SOON).await.unwrap();
    let before = follower.wait_for(SOON, |document| document.nodes.len() == 1).await.unwrap();
    let client = DirectoryClient::new(&authority.url(), &authority.trust()).unwrap();
    let usurper = Descriptor { name: gateway(1).name, address: gateway(1).address, ..gateway(2) };
    let now = SystemTime::now();
    let claim = Registration::new(usurper, NETWORK, now, &identity(2), Some(&join_secret()));
    let refused = client.register(&claim).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Rejected { reason: Reason::NameTaken, .. }),
        "{refused}"
    );
    let (admission, alone) = (Admission::Listed(NodeList::default()), Parameters::default());
    let by_a_node: [Instruction; 3] =
        [alone.into(), admission.into(), Instruction::Remove(identity(1).public())];
    for instruction in by_a_node {
        let order = Order::new(&instruction, NETWORK, now, &identity(2));
        let refused = client.order(&order).await.unwrap_err();
        assert!(
            matches!(refused, ClientError::Rejected { reason: Reason::NotAdmin, .. }),
            "{refused}"
        );
    }
    assert_eq!(client.current(&authority.trust()).await.unwrap(), *before);
}

#[tokio::test]
async fn with_a_list_the_listed_need_no_secret_and_it_lets_nobody_in() {
    let authority = authority().await;
    let client = DirectoryClient::new(&authority.url(), &authority.trust()).unwrap();
    let all = Directories::new(&authority.url(), &authority.trust()).unwrap();
    let listed =
        ListedNode { name: gateway(1).name, identity: identity(1).public(), role: gateway(1).role };
    let admission = Admission::Listed(NodeList::new([listed]).unwrap());
    let trust = authority.trust();
    assert!(all.set_admission(&trust, &admin(), &admission).await.unwrap());
    assert!(!all.set_admission(&trust, &admin(), &admission).await.unwrap(), "it is so");
    assert_eq!(all.admission().await.unwrap(), admission);
    let without = RegistrarConfig { join_secret: None, ..registrar_config(&authority.url(), 1) };
    let listed = Registrar::start(without, gateway(1)).unwrap();
    listed.wait_registered(SOON).await.unwrap();
    let now = SystemTime::now();
    let message = Registration::new(gateway(2), NETWORK, now, &identity(2), Some(&join_secret()));
    let refused = client.register(&message).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Rejected { reason: Reason::NotListed, .. }),
        "{refused}"
    );
    all.remove_node(&trust, &admin(), identity(1).public()).await.unwrap();
    assert!(client.current(&trust).await.unwrap().nodes.is_empty());
    let empty = Admission::Listed(NodeList::default());
    assert_eq!(all.admission().await.unwrap(), empty);
}

#[tokio::test]
async fn a_node_with_a_wrong_join_secret_is_told() {
    let authority = authority().await;
    let join_secret = JoinSecret::new("not the secret of the network").unwrap();
    let config =
        RegistrarConfig { join_secret: Some(join_secret), ..registrar_config(&authority.url(), 1) };
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
    let trust = Trust::single("othernet", authority.public_key());
    let config = RegistrarConfig { trust, ..registrar_config(&authority.url(), 1) };
    let node = Registrar::start(config, gateway(1)).unwrap();
    let failed = |state: &RegistrarState| {
        matches!(state, RegistrarState::Connecting { last_error: Some(_), .. })
    };
    match standing_of(&node, failed).await {
        RegistrarState::Connecting { last_error: Some(why), .. } => {
            assert!(why.contains("for the network \"othernet\""), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

/// Whoever stands between, or answers at the directory's address, without its key.
#[tokio::test]
async fn another_key_than_the_trusted_one_is_not_spoken_with() {
    let stranger =
        Authority::start(AuthorityConfig { signing_key: Some(identity(66)), ..config() }).await;
    let stranger = stranger.unwrap();
    let client = DirectoryClient::new(&stranger.url(), &common::trust()).unwrap();
    let message = Registration::new(
        gateway(1),
        NETWORK,
        SystemTime::now(),
        &identity(1),
        Some(&join_secret()),
    );
    let refused = client.register(&message).await.unwrap_err().to_string();
    assert!(refused.contains("is not this network's directory"), "{refused}");
    assert!(refused.contains(&identity(66).public().to_string()), "{refused}");
    assert!(stranger.document().unwrap().nodes.is_empty(), "it heard nothing");

    // Clear gRPC is not even answered.
    let mut clear = TcpStream::connect(stranger.address()).await.unwrap();
    clear.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let hung_up = tokio::time::timeout(SOON, clear.read_to_end(&mut answer)).await;
    assert!(hung_up.is_ok() && answer.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn a_replayed_registration_is_refused() {
    let authority = authority().await;
    let client = DirectoryClient::new(&authority.url(), &authority.trust()).unwrap();
    let message = |issued_at| {
        Registration::new(gateway(1), NETWORK, issued_at, &identity(1), Some(&join_secret()))
    };
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
