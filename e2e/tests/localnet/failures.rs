//! Parts that fail: nothing is lost, and what is not known is not claimed.

use std::time::Duration;

use mixbed_client::{BroadcastError, State};
use mixbed_directory::FollowerState;
use mixbed_monero::Daemon;

use crate::audit::{Links, audited};
use crate::world::{SOON, World, client_of};

const SHORT: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn monerod_down_is_said_and_the_same_transaction_passes_when_it_is_back() {
    let mut world = World::new().await;
    let transfer = world.stock.transfers[0].clone();
    world.monerod.stop().await.expect("stopped");
    let error = world.broadcast(&transfer.raw, SHORT).await.expect_err("nobody took it");
    assert!(
        matches!(error, BroadcastError::Unavailable { .. } | BroadcastError::DeadlinePassed { .. }),
        "{error:?}"
    );
    world.monerod.restart().await.expect("restarted");
    let report = world.broadcast(&transfer.raw, SOON).await.expect("accepted");
    world.mined(report.txid).await;
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_monerod_holds_a_broadcast_up_and_does_not_lose_it() {
    let world = World::new().await;
    world.monerod.pause().expect("paused");
    let broadcast = world.begin(&world.stock.transfers[0]);
    world.delivered("provider-0", 1).await;
    world.monerod.resume().expect("resumed");
    let report = broadcast.await.expect("no panic").expect("accepted");
    world.mined(report.txid).await;
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn monerod_restarted_in_the_middle_is_tried_again() {
    let mut world = World::new().await;
    world.monerod.kill().expect("killed");
    let broadcast = world.begin(&world.stock.transfers[0]);
    world.delivered("provider-0", 1).await;
    world.monerod.restart().await.expect("restarted");
    let report = broadcast.await.expect("no panic").expect("accepted");
    assert!(report.monerod_attempts > 1, "{report:?}");
    world.mined(report.txid).await;
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_no_success_and_one_that_returns_is_found() {
    let mut world = World::new().await;
    let transfer = world.stock.transfers[0].clone();
    world.net.stop_node("provider-0", Duration::ZERO).await;
    let error = world.broadcast(&transfer.raw, SHORT).await.expect_err("nobody is there");
    let words = error.to_string();
    assert!(!matches!(error, BroadcastError::Rejected { .. }), "{words}");
    let daemon: &Daemon = world.monerod.daemon();
    assert!(!daemon.transaction(transfer.txid).await.expect("monerod answers").is_known());

    world.net.start_node("provider-0").await.expect("started");
    let report = world.broadcast(&transfer.raw, SOON).await.expect("accepted");
    world.mined(report.txid).await;
    world.at_rest_after_broken_links().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_dies_costs_a_retransmission_and_no_broadcast() {
    let mut world = World::new().await;
    world.net.stop_node("mix-2-0", Duration::ZERO).await;
    let mut retransmissions = 0;
    // Three routes in four have the dead mix on them, until its lease is over after a minute.
    let deadline = Duration::from_secs(100);
    for transfer in &world.stock.transfers[..6] {
        let report = world.broadcast(&transfer.raw, deadline).await.expect("accepted");
        retransmissions += report.retransmissions;
        world.mined(report.txid).await;
    }
    assert!(retransmissions > 0);
    world.at_rest_after_broken_links().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_gateway_dies_goes_to_another() {
    let mut world = World::new().await;
    for (gateway, transfer) in ["gateway-0", "gateway-1"].into_iter().zip([0, 1]) {
        world.net.stop_node(gateway, Duration::ZERO).await;
        let raw = world.stock.transfers[transfer].raw.clone();
        let report = world.broadcast(&raw, SOON).await.expect("accepted");
        world.mined(report.txid).await;
        world.net.start_node(gateway).await.expect("started");
        world.net.wait_ready(SOON).await.expect("ready");
    }
    world.at_rest_after_broken_links().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_directory_everything_goes_on_and_a_new_client_waits_for_it() {
    let state = tempfile::tempdir().expect("a directory");
    let mut world = World::with(|config| config.state_dir = Some(state.path().to_owned())).await;
    let before = world.net.follower().current().expect("a document");
    world.net.stop_directory().await;
    let report = world.broadcast(&world.stock.transfers[0].raw, SOON).await.expect("accepted");
    world.mined(report.txid).await;
    let mut follower = world.net.follower().clone();
    while !matches!(follower.state(), FollowerState::Stale { .. }) {
        tokio::time::timeout(SOON, follower.changed()).await.expect("it says so");
    }

    let fresh = mixbed_directory::Follower::start(mixbed_directory::FollowerConfig::new(
        world.net.directory_url(),
        world.net.trust().clone(),
    ))
    .expect("a follower");
    let late = mixbed_client::Client::connect(mixbed_client::ClientConfig::new(fresh));
    assert!(!late.state().borrow().can_send());
    world.net.start_directory().await.expect("the same port, the same state");
    late.wait_ready(SOON).await.expect("ready");
    let raw = &world.stock.transfers[1].raw;
    late.broadcast(raw, crate::world::options()).await.expect("accepted");
    let after = world.net.follower().current().expect("a document");
    assert!(after.epoch >= before.epoch, "nothing was lost");
    assert_eq!(after.nodes.len(), before.nodes.len());
    audited(&world.net, &[&world.client, &late], Links::Whole).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_client_says_so() {
    let world = World::new().await;
    let client = client_of(&world.net);
    client.stop().await;
    assert_eq!(*client.state().borrow(), State::Stopped);
    let raw = &world.stock.transfers[0].raw;
    assert!(client.broadcast(raw, crate::world::options()).await.is_err());
    audited(&world.net, &[&world.client, &client], Links::Broken).await;
}
