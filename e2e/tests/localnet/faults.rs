//! Faults under continuous broadcasts: every one ends mined, exactly once, and the whole net's
//! accounts add up.

use std::time::Duration;

use mixbed_directory::{FollowerState, Parameters};

use crate::traffic::Traffic;
use crate::world::{SOON, World};

const PACE: Duration = Duration::from_millis(400);

async fn world() -> World {
    World::with(|config| config.shape.providers = 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_in_turn_is_killed_and_comes_back() {
    let mut world = world().await;
    let names: Vec<String> = world.net.nodes().keys().cloned().collect();
    let traffic = Traffic::begin(&world, PACE).await;
    for (number, name) in names.iter().enumerate() {
        traffic.begun(number + 1).await;
        world.net.stop_node(name, Duration::ZERO).await;
        // Down while at least one more broadcast begins and one ends.
        traffic.begun(number + 2).await;
        world.net.start_node(name).await.expect("its port is free");
    }
    traffic.all_mined_once(&world).await;
    world.at_rest_after_broken_links().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_away_for_three_epochs() {
    const EPOCH: Duration = Duration::from_secs(1);
    let state = tempfile::tempdir().expect("a directory");
    let mut world = World::with(|config| {
        config.state_dir = Some(state.path().to_owned());
        config.parameters = Parameters { epoch_length: EPOCH, ..config.parameters.clone() };
    })
    .await;
    let traffic = Traffic::begin(&world, PACE).await;
    traffic.accepted(1).await;
    let last = world.net.follower().current().expect("a document");
    world.net.stop_directory().await;
    // The third epoch after the document's own begins at the end of its validity less one epoch.
    let away_until = last.epoch_end + 2 * EPOCH;
    let wait = away_until.duration_since(std::time::SystemTime::now()).unwrap_or_default();
    tokio::time::sleep(wait).await;
    assert!(matches!(world.net.follower().state(), FollowerState::Stale { .. }));
    world.net.start_directory().await.expect("the same port, the same state");
    traffic.all_mined_once(&world).await;
    let now = world.net.follower().current().expect("a document");
    assert!(now.epoch >= last.epoch + 3, "{} after {}", now.epoch, last.epoch);
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn monerod_is_killed_in_the_middle_of_submissions() {
    let mut world = world().await;
    let traffic = Traffic::begin(&world, PACE).await;
    traffic.accepted(2).await;
    world.monerod.kill().expect("killed");
    traffic.begun(6).await;
    world.monerod.restart().await.expect("restarted");
    traffic.all_mined_once(&world).await;
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_stays_dead_is_soon_avoided() {
    let mut world = world().await;
    world.net.stop_node("mix-2-0", Duration::ZERO).await;
    let reports = Traffic::begin(&world, PACE).await.all_mined_once(&world).await;
    let slow = reports.iter().skip(4).filter(|report| report.retransmissions > 1).count();
    assert!(slow <= 1, "{reports:#?}");
    world.net.start_node("mix-2-0").await.expect("its port is free");
    world.net.wait_ready(SOON).await.expect("ready");
    world.at_rest_after_broken_links().await;
}
