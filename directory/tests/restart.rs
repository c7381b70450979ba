//! The directory goes away and comes back; everyone else goes on.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use common::{
    SOON, config, follower, gateway, registrar, registrar_config, small_network, standing_of,
    state_of,
};
use mixbed_directory::authority::{StartError, StateError, StoreError};
use mixbed_directory::{
    Authority, AuthorityConfig, Follower, FollowerConfig, FollowerState, JoinSecret, Registrar,
    RegistrarState,
};

async fn start(dir: &Path, listen: Option<SocketAddr>) -> Authority {
    let defaults = config();
    let listen = listen.unwrap_or(defaults.listen);
    let config = AuthorityConfig { listen, state_dir: Some(dir.to_owned()), ..defaults };
    Authority::start(config).await.unwrap()
}

/// An address where nobody listens now.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_restart_loses_nothing_and_everyone_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let before = start(dir.path(), None).await;
    let (address, key) = (before.address(), before.public_key());
    let written = std::fs::read_to_string(dir.path().join("authority.pub")).unwrap();
    assert_eq!(written.parse(), Ok(key));

    let follower = follower(&before);
    let _nodes: Vec<_> = small_network()
        .into_iter()
        .map(|(seed, node)| registrar(&before.url(), seed, node))
        .collect();
    let document = follower.wait_ready(SOON).await.unwrap();
    before.shutdown().await;
    state_of(&follower, |state| matches!(state, FollowerState::Stale { .. })).await;
    assert_eq!(follower.current(), Some(document.clone()), "it goes on with what it has");

    let after = start(dir.path(), Some(address)).await;
    assert_eq!(after.public_key(), key);
    assert_eq!(after.document(), Some(document.clone()), "the same document, at once");
    state_of(&follower, |state| *state == FollowerState::Following).await;
    let _newcomer = registrar(&after.url(), 1, gateway(1));
    let next = follower.wait_for(SOON, |next| next.by_name("gateway-1").is_some()).await.unwrap();
    assert_eq!(next.nodes.len(), document.nodes.len() + 1);
    assert_eq!(next.revision, document.revision + 1);
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let before = start(dir.path(), None).await;
    let node = registrar(&before.url(), 1, gateway(1));
    node.wait_registered(SOON).await.unwrap();
    // What a kill leaves is what stands on the disk at that moment.
    let crashed = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("authority.redb"), crashed.path().join("authority.redb"))
        .unwrap();

    let after = start(crashed.path(), None).await;
    assert_eq!(after.public_key(), before.public_key());
    follower(&after).wait_for(SOON, |document| document.nodes == [gateway(1)]).await.unwrap();
}

#[tokio::test]
async fn a_directory_that_is_down_at_start_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let authority = start(dir.path(), None).await;
    let trust = authority.trust();
    authority.shutdown().await;

    let address = free_address();
    let url = format!("mixbed://{address}");
    let follower = Follower::start(FollowerConfig::new(&url, trust)).unwrap();
    let node = registrar(&url, 1, gateway(1));
    let state = state_of(&follower, |state| {
        matches!(state, FollowerState::Connecting { last_error: Some(_), .. })
    });
    let state = state.await.to_string();
    assert!(state.contains("cannot be reached") && state.contains("refused"), "{state}");
    let standing = standing_of(&node, |state| {
        matches!(state, RegistrarState::Connecting { last_error: Some(_), .. })
    });
    standing.await;

    let _authority = start(dir.path(), Some(address)).await;
    node.wait_registered(SOON).await.unwrap();
    follower.wait_for(SOON, |document| document.nodes.len() == 1).await.unwrap();
}

#[tokio::test]
async fn a_node_that_cannot_renew_says_so_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let lease = std::time::Duration::from_secs(1);
    let config = || AuthorityConfig { lease, state_dir: Some(dir.path().to_owned()), ..config() };
    let before = Authority::start(config()).await.unwrap();
    let listen = before.address();
    let node = registrar(&before.url(), 1, gateway(1));
    node.wait_registered(SOON).await.unwrap();
    before.shutdown().await;
    standing_of(&node, |state| matches!(state, RegistrarState::Lapsing { .. })).await;
    let _after = Authority::start(AuthorityConfig { listen, ..config() }).await.unwrap();
    standing_of(&node, |state| matches!(state, RegistrarState::Registered { .. })).await;
}

#[tokio::test]
async fn a_directory_that_had_a_wrong_secret_for_a_while_gets_its_nodes_back() {
    let dir = tempfile::tempdir().unwrap();
    let lease = std::time::Duration::from_secs(1);
    let config = || AuthorityConfig { lease, state_dir: Some(dir.path().to_owned()), ..config() };
    let before = Authority::start(config()).await.unwrap();
    let listen = before.address();
    let node = registrar(&before.url(), 1, gateway(1));
    node.wait_registered(SOON).await.unwrap();
    before.shutdown().await;
    let join_secret = JoinSecret::new("a secret with a mistake in it").unwrap();
    let mistaken = AuthorityConfig { listen, join_secrets: vec![join_secret], ..config() };
    let mistaken = Authority::start(mistaken).await.unwrap();
    let refused = |state: &RegistrarState| matches!(state, RegistrarState::Lapsing { why, .. } if why.contains("wrong_join_secret"));
    standing_of(&node, refused).await;
    mistaken.shutdown().await;
    let _after = Authority::start(AuthorityConfig { listen, ..config() }).await.unwrap();
    standing_of(&node, |state| matches!(state, RegistrarState::Registered { .. })).await;
}

#[tokio::test]
async fn a_follower_starts_from_what_it_kept() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("document");
    let authority = start(&dir.path().join("state"), None).await;
    let config = FollowerConfig {
        keep_in: Some(kept.clone()),
        ..FollowerConfig::new(authority.url(), authority.trust())
    };
    let first = Follower::start(config.clone()).unwrap();
    let _nodes: Vec<_> = small_network()
        .into_iter()
        .map(|(seed, node)| registrar(&authority.url(), seed, node))
        .collect();
    let document = first.wait_ready(SOON).await.unwrap();
    authority.shutdown().await;
    drop(first);

    let second = Follower::start(config.clone()).unwrap();
    assert_eq!(second.wait_ready(SOON).await.unwrap(), document);
    assert!(matches!(second.state(), FollowerState::Stale { .. }));

    std::fs::write(&kept, "not a document").unwrap();
    let third = Follower::start(config).unwrap();
    let connecting = |state: &FollowerState| {
        matches!(state, FollowerState::Connecting { last_error: Some(_), .. })
    };
    state_of(&third, connecting).await;
    assert_eq!(third.current(), None);
}

#[tokio::test]
async fn a_network_that_was_begun_anew_is_not_believed() {
    let before = common::authority().await;
    let trust = before.trust();
    let listen = before.address();
    before.shutdown().await;
    // Without a state, and with another key.
    let anew = AuthorityConfig { listen, signing_key: Some(common::identity(55)), ..config() };
    let after = Authority::start(anew).await.unwrap();
    let follower = Follower::start(FollowerConfig::new(after.url(), trust)).unwrap();
    let refused = state_of(&follower, |state| state.to_string().contains("not a trusted")).await;
    assert_eq!(follower.current(), None, "{refused}");
}

#[tokio::test]
async fn what_keeps_an_authority_from_starting_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path(), None).await;
    let with = |change: &dyn Fn(&mut AuthorityConfig)| {
        let mut config = AuthorityConfig { state_dir: Some(dir.path().to_owned()), ..config() };
        change(&mut config);
        Authority::start(config)
    };
    let in_use = with(&|config| config.listen = running.address()).await.unwrap_err();
    assert!(matches!(in_use, StartError::Listen { .. }), "{in_use}");
    let locked = with(&|_| {}).await.unwrap_err();
    assert!(
        matches!(locked, StartError::State(StateError::File(StoreError::Locked { .. }))),
        "{locked}"
    );
    let bad_name = with(&|config| config.network = "Test Net".to_owned()).await.unwrap_err();
    assert!(matches!(bad_name, StartError::Config(_)), "{bad_name}");
    running.shutdown().await;
    let other = with(&|config| config.network = "other".to_owned()).await.unwrap_err();
    assert!(matches!(other, StartError::State(StateError::OtherNetwork { .. })), "{other}");
    std::fs::write(dir.path().join("authority.redb"), [0xa5; 5000]).unwrap();
    let damaged = with(&|_| {}).await.unwrap_err();
    assert!(
        matches!(damaged, StartError::State(StateError::File(StoreError::Corrupt { .. }))),
        "{damaged}"
    );
}

#[tokio::test]
async fn configurations_that_cannot_work_are_refused_at_once() {
    let authority = common::authority().await;
    for url in ["", "127.0.0.1:1", "http://directory:1", "mixbed://", "ftp://a:1", "mixbed://a b:1"]
    {
        assert!(Follower::start(FollowerConfig::new(url, authority.trust())).is_err(), "{url}");
        assert!(Registrar::start(registrar_config(url, 1), gateway(1)).is_err(), "{url}");
    }
    let other = Registrar::start(registrar_config(&authority.url(), 1), gateway(2)).unwrap_err();
    assert!(other.to_string().contains("identity"), "{other}");
}

/// One signing key replaces another while the network runs: nobody who trusts either is cut off, and
/// once the old one is gone, whoever trusts only that is.
#[tokio::test]
async fn a_new_signing_key_replaces_the_old_one_while_all_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (common::identity(99), common::identity(98));
    let with = |key: &mixbed_directory::IdentitySecret, listen| AuthorityConfig {
        listen,
        state_dir: Some(dir.path().to_owned()),
        signing_key: Some(key.clone()),
        ..config()
    };
    let first = Authority::start(with(&old, free_address())).await.unwrap();
    let (listen, url, trusts_old) = (first.address(), first.url(), first.trust());
    let node = registrar(&url, 1, gateway(1));
    node.wait_registered(SOON).await.unwrap();
    let before = Follower::start(FollowerConfig::new(&url, trusts_old.clone())).unwrap();
    before.wait_for(SOON, |document| document.nodes.len() == 1).await.unwrap();
    first.shutdown().await;

    let refused = Authority::start(with(&new, listen)).await.unwrap_err().to_string();
    assert!(refused.contains("sign_with_former_key"), "{refused}");
    let both = AuthorityConfig { sign_with_former_key: true, ..with(&new, listen) };
    let second = Authority::start(both.clone()).await.unwrap();
    assert_eq!(second.public_key(), new.public());
    state_of(&before, |state| *state == FollowerState::Following).await;
    let trusts_new = second.trust();
    let after = Follower::start(FollowerConfig::new(&url, trusts_new.clone())).unwrap();
    after.wait_for(SOON, |document| document.nodes.len() == 1).await.unwrap();
    second.shutdown().await;
    // A restart forgets neither.
    let again = Authority::start(both).await.unwrap();
    state_of(&before, |state| *state == FollowerState::Following).await;
    again.shutdown().await;

    let third = Authority::start(with(&new, listen)).await.unwrap();
    state_of(&after, |state| *state == FollowerState::Following).await;
    let late = Follower::start(FollowerConfig::new(&url, trusts_old)).unwrap();
    let untrusted = state_of(&late, |state| {
        matches!(state, FollowerState::Connecting { last_error: Some(_), .. })
    });
    let untrusted = untrusted.await.to_string();
    assert!(untrusted.contains("not a trusted authority"), "{untrusted}");
    drop(third);
}
