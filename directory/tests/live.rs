//! Authority, registrars and followers over loopback.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use common::{
    NETWORK, SOON, admin, authority, config, descriptor, follower, gateway, registrar,
    small_network, standing_of, state_of,
};
use mixbed_directory::{
    Authority, AuthorityConfig, Descriptor, Directories, DirectoryClient, FollowerState,
    ImpairmentRule, Order, Parameters, RegistrarState, Role,
};
use mixbed_wire::Impairment;

#[tokio::test]
async fn a_network_is_ready_after_its_nodes_start() {
    let authority = authority().await;
    let follower = follower(&authority);
    let nodes = small_network();
    let registrars: Vec<_> =
        nodes.iter().map(|(seed, node)| registrar(&authority.url(), *seed, node.clone())).collect();
    let document = follower.wait_ready(SOON).await.unwrap();
    assert_eq!(document.nodes.len(), nodes.len());
    assert_eq!(follower.state(), FollowerState::Following);
    for registrar in &registrars {
        registrar.wait_registered(SOON).await.unwrap();
    }
    assert_eq!(authority.counters().listed.load(Relaxed), 5);
    assert_eq!(authority.counters().nodes.load(Relaxed), 5);
    authority.shutdown().await;
}

#[tokio::test]
async fn what_an_incomplete_network_lacks_is_said() {
    let authority = authority().await;
    let follower = follower(&authority);
    let _node = registrar(&authority.url(), 1, gateway(1));
    follower.wait_for(SOON, |document| document.nodes.len() == 1).await.unwrap();
    let lacking = follower.wait_ready(Duration::from_millis(1)).await.unwrap_err().to_string();
    assert!(lacking.contains("lacks a mix in layer 1, a mix in layer 2"), "{lacking}");
}

#[tokio::test]
async fn a_node_that_leaves_is_off_the_next_document() {
    let authority = authority().await;
    let follower = follower(&authority);
    let node = registrar(&authority.url(), 1, gateway(1));
    follower.wait_for(SOON, |document| document.by_name("gateway-1").is_some()).await.unwrap();
    node.unregister().await.unwrap();
    follower.wait_for(SOON, |document| document.nodes.is_empty()).await.unwrap();
    assert_eq!(node.state(), RegistrarState::Unregistered);
    assert!(node.unregister().await.is_err(), "it has left already");
}

#[tokio::test]
async fn a_node_that_dies_is_off_the_list_when_its_lease_ends_and_another_renews() {
    let lease = Duration::from_secs(3);
    let authority = Authority::start(AuthorityConfig { lease, ..config() }).await.unwrap();
    let follower = follower(&authority);
    let alive = registrar(&authority.url(), 1, gateway(1));
    let dying = registrar(&authority.url(), 2, gateway(2));
    follower.wait_for(SOON, |document| document.nodes.len() == 2).await.unwrap();
    drop(dying);
    let left = follower.wait_for(SOON, |document| document.nodes.len() == 1).await.unwrap();
    assert_eq!(left.nodes[0].name, "gateway-1");
    assert!(authority.counters().renewed.load(Relaxed) > 0);
    assert_eq!(authority.counters().expired.load(Relaxed), 1);
    assert!(matches!(alive.state(), RegistrarState::Registered { .. }));
}

#[tokio::test]
async fn a_node_that_moves_is_listed_where_it_is() {
    let authority = authority().await;
    let follower = follower(&authority);
    let node = registrar(&authority.url(), 1, gateway(1));
    node.wait_registered(SOON).await.unwrap();
    let moved = Descriptor { address: "127.0.0.1:7777".to_owned(), ..gateway(1) };
    node.update(moved.clone()).unwrap();
    follower.wait_for(SOON, |document| document.nodes == [moved.clone()]).await.unwrap();
    assert!(node.update(gateway(2)).is_err(), "that is another node");
}

#[tokio::test]
async fn a_taken_name_is_given_once_its_holder_leaves() {
    let authority = authority().await;
    let first = registrar(&authority.url(), 1, descriptor("gateway-0", 1, Role::Gateway));
    first.wait_registered(SOON).await.unwrap();
    let second = registrar(&authority.url(), 2, descriptor("gateway-0", 2, Role::Gateway));
    let refused = |state: &RegistrarState| {
        matches!(state, RegistrarState::Connecting { last_error: Some(why), .. }
            if why.contains("name_taken"))
    };
    standing_of(&second, refused).await;
    first.unregister().await.unwrap();
    second.wait_registered(SOON).await.unwrap();
}

#[tokio::test]
async fn epochs_pass_and_followers_follow() {
    let epoch_length = Duration::from_secs(2);
    let parameters = Parameters { epoch_length, ..Parameters::default() };
    let authority = Authority::start(AuthorityConfig { parameters, ..config() }).await.unwrap();
    let follower = follower(&authority);
    let third = follower.wait_for(SOON, |document| document.epoch >= 3).await.unwrap();
    assert_eq!(follower.state(), FollowerState::Following);
    let client = DirectoryClient::new(&authority.url(), &authority.trust()).unwrap();
    let second = client.document(Some(third.epoch - 1)).await.unwrap();
    let second = second.verify(&authority.trust(), SystemTime::now(), Duration::ZERO).unwrap();
    assert_eq!(second.epoch, third.epoch - 1);
    assert_eq!(second.epoch_end, third.valid_from);
    let missing = client.document(Some(1000)).await.unwrap_err();
    assert!(missing.to_string().contains("no document of epoch 1000"), "{missing}");
}

#[tokio::test]
async fn an_admin_changes_the_parameters_of_a_running_network() {
    let authority = authority().await;
    let follower = follower(&authority);
    let client = DirectoryClient::new(&authority.url(), &authority.trust()).unwrap();
    let wanted = Parameters { tracing_allowed: true, ..Parameters::default() };
    let order = Order::new(&wanted.clone().into(), NETWORK, SystemTime::now(), &admin());
    client.order(&order).await.unwrap();
    follower.wait_for(SOON, |document| document.parameters == wanted).await.unwrap();
    assert!(client.order(&order).await.is_err(), "an order counts once");
}

#[tokio::test]
async fn admins_at_the_same_time_lose_nothing() {
    let authority = authority().await;
    let client = Directories::new(&authority.url(), &authority.trust()).unwrap();
    let (trust, admin) = (authority.trust(), admin());
    let rule = |loss| ImpairmentRule::everywhere(Impairment { loss, ..Impairment::NONE });
    let add = async |loss| {
        let add = |parameters: &mut Parameters| parameters.impairments.push(rule(loss));
        let changed = client.change_parameters(&trust, &admin, add).await.unwrap();
        assert!(changed.parameters.impairments.contains(&rule(loss)), "{changed:?}");
    };
    let trace = async {
        let change = client.change_parameters(&trust, &admin, |p| p.tracing_allowed = true);
        assert!(change.await.unwrap().parameters.tracing_allowed);
    };
    tokio::join!(add(0.1), add(0.2), add(0.3), trace);
    let mut losses: Vec<_> = client.current(&trust).await.unwrap().parameters.impairments;
    losses.sort_by(|a, b| a.impairment.loss.total_cmp(&b.impairment.loss));
    assert_eq!(losses, [rule(0.1), rule(0.2), rule(0.3)]);
    let too_much = client.change_parameters(&trust, &admin, |p| p.impairments.push(rule(1.2)));
    let refused = too_much.await.unwrap_err().to_string();
    assert_eq!(refused, "impairments: rule 4: loss is 0 % to 100 %, not 120 %");
}

#[tokio::test]
async fn shutdown_waits_for_nobody_and_says_goodbye() {
    let authority = authority().await;
    let follower = follower(&authority);
    let node = registrar(&authority.url(), 1, gateway(1));
    follower.wait_for(SOON, |document| document.nodes.len() == 1).await.unwrap();
    node.wait_registered(SOON).await.unwrap();
    tokio::time::timeout(SOON, authority.shutdown()).await.expect("a follower holds it up");
    let stale = state_of(&follower, |state| matches!(state, FollowerState::Stale { .. })).await;
    assert_eq!(follower.current().unwrap().nodes.len(), 1, "{stale}");
}

#[tokio::test]
async fn counters_say_who_watches() {
    let authority = authority().await;
    let follower = follower(&authority);
    state_of(&follower, |state| *state == FollowerState::Following).await;
    assert_eq!(authority.counters().watchers.load(Relaxed), 1);
    assert_eq!(follower.counters().accepted.load(Relaxed), 1);
    drop(follower);
    // Nothing tells of a watcher's going but the counter itself.
    let gone = async {
        while authority.counters().watchers.load(Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, gone).await.unwrap();
}
