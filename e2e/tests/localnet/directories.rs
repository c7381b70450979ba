//! Of three directories one lies or is dead, and nobody notices.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use mixbed_directory::{Authority, AuthorityConfig, Follower, FollowerConfig, Parameters};
use mixbed_localnet::LocalNetConfig;
use mixbed_node::Node;

use crate::audit::{Links, audited};
use crate::epochs::ask_until;
use crate::world::{SOON, World, client_of, options};

/// Epochs that go by in each state.
const EPOCHS: u64 = 3;

/// A thief has the key of one directory, takes its place, and signs what he likes.
async fn thief_of(world: &World, at: usize) -> Authority {
    let stolen = world.net.directory_config(at).expect("there is one").clone();
    let thief = AuthorityConfig {
        peers: Vec::new(),
        parameters: Parameters { mean_hop_delay: Duration::from_secs(7), ..stolen.parameters },
        ..stolen
    };
    Authority::start(thief).await.expect("the port is free")
}

/// Broadcasts until so many epochs have gone by.
async fn broadcast_on(world: &World, broadcasts: &mut usize) {
    let last = world.net.follower().epoch().expect("a document") + EPOCHS;
    while world.net.follower().epoch().expect("a document") < last {
        let transfers = &world.stock.transfers;
        let transfer = &transfers[*broadcasts % transfers.len()];
        let report = world.client.broadcast(&transfer.raw, options()).await.expect("accepted");
        assert_eq!(report.txid, transfer.txid);
        *broadcasts += 1;
    }
}

fn followers(world: &World) -> impl Iterator<Item = (&str, &Follower)> {
    let nodes = world.net.nodes().values().map(|node: &Node| (node.name(), node.follower()));
    nodes.chain([("the client", world.net.follower())])
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_directories_one_lies_and_then_is_dead_and_no_packet_is_lost() {
    let mut world = World::with(|config| {
        config.directories = 3;
        config.parameters = Parameters {
            epoch_length: Duration::from_secs(2),
            ..LocalNetConfig::default().parameters
        };
    })
    .await;
    let asker = client_of(&world.net);
    let until = world.net.follower().epoch().expect("a document") + 3 * EPOCHS;
    let asking = tokio::spawn(ask_until(asker.clone(), until));
    let mut broadcasts = 0;
    broadcast_on(&world, &mut broadcasts).await;

    world.net.stop_one_directory(1).await;
    let thief = thief_of(&world, 1).await;
    // Everybody follows the first directory. Without it for a moment, they ask the thief.
    world.net.stop_one_directory(0).await;
    let all_have_refused = async {
        for (_, follower) in followers(&world) {
            while follower.counters().refused.load(Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    tokio::time::timeout(SOON, all_have_refused).await.expect("all refuse what one key signed");
    world.net.start_one_directory(0).await.expect("it starts again");
    broadcast_on(&world, &mut broadcasts).await;
    for (name, follower) in followers(&world) {
        let document = follower.current().expect("a document");
        let delay = document.parameters.mean_hop_delay;
        assert_eq!(delay, Parameters::default().mean_hop_delay, "{name} believes the thief");
    }
    let only_the_thief = FollowerConfig::new(thief.url(), world.net.trust().clone());
    let mut misled = Follower::start(only_the_thief).expect("a follower");
    let refused = async {
        while misled.counters().refused.load(Relaxed) == 0 {
            misled.changed().await;
        }
    };
    tokio::time::timeout(SOON, refused).await.expect("it refuses, too");
    assert_eq!(misled.current(), None);

    thief.shutdown().await;
    broadcast_on(&world, &mut broadcasts).await;
    assert!(asking.await.expect("no panic") > 0);
    let books = audited(&world.net, &[&world.client, &asker], Links::Whole).await;
    assert_eq!(books.drops(), [], "after {broadcasts} broadcasts");
}
