//! Faults under continuous broadcasts: every one ends mined, exactly once, and the whole net's
//! accounts add up.

use std::time::Duration;

use mixbed_client::{BroadcastReport, Broadcasts, JournalBounds, JournalError};
use mixbed_directory::{Document, FollowerState, ImpairmentRule, Parameters};
use mixbed_localnet::NetBooks;
use mixbed_wire::{DropReason, Impairment};
use tokio::task::JoinSet;

use crate::audit::{Links, audited};
use crate::traffic::{Traffic, mined_once};
use crate::world::{SOON, World, client_of, options};

const PACE: Duration = Duration::from_millis(400);

async fn world() -> World {
    World::with(|config| config.shape.providers = 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_in_turn_is_killed_and_comes_back() {
    let mut world = world().await;
    let names: Vec<String> = world.net.nodes().keys().cloned().collect();
    let traffic = Traffic::begin(&world, PACE).await;
    assert_eq!(names.len(), world.stock.transfers.len(), "each has one broadcast to fall into");
    for (number, name) in (1..).zip(&names) {
        traffic.begun(number).await;
        world.net.stop_node(name, Duration::ZERO).await;
        // Down while the next broadcast begins.
        traffic.begun((number + 1).min(names.len())).await;
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
    let later = |document: &Document| document.epoch >= last.epoch + 3;
    world.net.follower().wait_for(SOON, later).await.expect("a document of now");
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

/// Asks forty times at once; how many packets are lost with the link to a dead node.
async fn lost(world: &World) -> u64 {
    let before = world.net.books().dropped(DropReason::LinkLost);
    let mut asked = JoinSet::new();
    for _ in 0..40 {
        let client = world.client.clone();
        asked.spawn(async move { client.request("echo", b"hello", 3 * SOON).await });
    }
    for answer in asked.join_all().await {
        answer.expect("answered");
    }
    // What waits for the node is given up after a while.
    world.books(NetBooks::at_rest).await.dropped(DropReason::LinkLost) - before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_stays_dead_is_soon_avoided() {
    let mut world = world().await;
    world.net.stop_node("mix-2-0", Duration::ZERO).await;
    // Three routes in four have the mix on them, there or back: of forty first packets, thirty. Who
    // has lost those avoids it.
    let (first, then) = (lost(&world).await, lost(&world).await);
    assert!(first > 15 && then < 15, "{first}, {then}");
    let before = world.monerod.daemon().get_info().await.expect("monerod answers").tx_count;
    let mut txids = Vec::new();
    for transfer in &world.stock.transfers {
        txids.push(world.broadcast(&transfer.raw, 3 * SOON).await.expect("accepted").txid);
    }
    mined_once(&world, &txids, before).await;
    world.net.start_node("mix-2-0").await.expect("its port is free");
    world.net.wait_ready(SOON).await.expect("ready");
    world.at_rest_after_broken_links().await;
}

/// Broadcasts while every link loses this share of what it carries.
async fn lossy(share: f64) -> Vec<BroadcastReport> {
    let world = world().await;
    let loss = Impairment { loss: share, ..Impairment::NONE };
    world.net.impair(vec![ImpairmentRule::everywhere(loss)]).await.expect("impaired");
    let reports = Traffic::begin(&world, PACE).await.all_mined_once(&world).await;
    world.net.impair(Vec::new()).await.expect("healed");
    let books = world.at_rest().await;
    // Some two hundred links were crossed.
    assert!(share < 0.05 || books.dropped(DropReason::Impaired) > 0, "{books:?}");
    reports
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lose_one_packet_in_a_hundred() {
    lossy(0.01).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lose_one_packet_in_twenty() {
    lossy(0.05).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lose_one_packet_in_five() {
    lossy(0.2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_layer_is_cut_off_for_ten_seconds() {
    let world = world().await;
    let traffic = Traffic::begin(&world, 3 * PACE).await;
    traffic.accepted(1).await;
    let cut = Impairment { partition: true, ..Impairment::NONE };
    let mix = "mix-2-1".parse().expect("a name");
    world.net.impair(vec![ImpairmentRule::of(mix, cut)]).await.expect("cut off");
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.net.impair(Vec::new()).await.expect("healed");
    traffic.all_mined_once(&world).await;
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_dies_with_broadcasts_under_way_ends_them_after_its_restart() {
    let world = world().await;
    let before = world.monerod.daemon().get_info().await.expect("monerod answers").tx_count;
    let directory = tempfile::tempdir().expect("a directory");
    let first = client_of(&world.net);
    let broadcasts = Broadcasts::open(first.clone(), directory.path(), JournalBounds::default());
    let broadcasts = broadcasts.expect("a new journal");
    let mut txids = Vec::new();
    for transfer in &world.stock.transfers {
        txids.push(broadcasts.order(&transfer.raw, &options()).await.expect("written down"));
    }
    let accepted = |broadcasts: &Broadcasts| {
        broadcasts.list().iter().filter(|record| record.is_accepted()).count()
    };
    while first.readings().sent < 4 {
        tokio::task::yield_now().await;
    }
    let done = accepted(&broadcasts);
    assert!(done < txids.len(), "some are under way");
    drop(broadcasts);
    first.stop().await;

    let second = client_of(&world.net);
    // The file is free when the last task of the first one has ended.
    let again = || Broadcasts::open(second.clone(), directory.path(), JournalBounds::default());
    let broadcasts = loop {
        match again() {
            Err(JournalError::Locked { .. }) => tokio::task::yield_now().await,
            opened => break opened.expect("the journal"),
        }
    };
    assert_eq!(broadcasts.list().len(), txids.len());
    for txid in &txids {
        let ended = broadcasts.settled(*txid).await.expect("known");
        assert!(ended.is_accepted(), "{ended:?}");
    }
    mined_once(&world, &txids, before).await;
    audited(&world.net, &[&world.client, &first, &second], Links::Broken).await;
}
