//! A client that broadcasts and one that idles, watched from outside.

use std::time::{Duration, Instant};

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Parameters, Rates, Role};
use mixbed_localnet::Shape;
use tokio::task::JoinHandle;

use crate::alike::{Apart, float};
use crate::audit::{Links, settled};
use crate::recorder::{Line, Recorder};
use crate::watched::{lines, watched_node};
use crate::world::{SOON, World, options};

/// How long the observer watches.
const WATCHED: Duration = Duration::from_secs(10);

/// Frames a second on each line up, and down: each of those that go up is answered.
const UP: f64 = 28.0;
const DOWN: f64 = 56.0;

const GATEWAY: &str = "gateway-watched";

fn parameters(rates: Rates) -> Parameters {
    Parameters { mean_hop_delay: Duration::from_millis(10), rates, ..Parameters::default() }
}

/// A client at the watched gateway, and its line there: the one that came last.
async fn watched_client(world: &World, recorder: &Recorder) -> (Client, Line) {
    let before = recorder.lines().len();
    let config = ClientConfig {
        gateway: Some(GATEWAY.to_owned()),
        ..ClientConfig::new(world.net.follower().clone())
    };
    let client = Client::connect(config);
    client.wait_ready(SOON).await.expect("ready");
    let mut lines = lines(recorder, before + 1).await;
    (client, lines.pop().expect("its line"))
}

/// A broadcast, and then one request after another.
fn talk(client: &Client, raw: Vec<u8>) -> JoinHandle<()> {
    let client = client.clone();
    tokio::spawn(async move {
        client.broadcast(&raw, options()).await.expect("accepted");
        while client.request("echo", &vec![7; 20_000], SOON).await.is_ok() {}
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_broadcasts_and_who_idles_look_alike_until_cover_is_off() {
    let world = World::with(|config| {
        config.shape = Shape { gateways: 1, mixes_per_layer: 1, providers: 1 };
        config.parameters = parameters(Rates {
            payload: 16.0,
            drop: 6.0,
            client_loop: 6.0,
            downlink: DOWN,
            ..Rates::default()
        });
    })
    .await;
    // It would only take time from the others.
    world.client.stop().await;
    let (gateway, recorder) = watched_node(&world, GATEWAY, Role::Gateway).await;
    lines(&recorder, 1).await;
    let (busy, busy_line) = watched_client(&world, &recorder).await;
    let (idle, idle_line) = watched_client(&world, &recorder).await;
    let watch = async || {
        let since = Instant::now();
        tokio::time::sleep(WATCHED).await;
        let up = Apart::of(&busy_line.up, &idle_line.up, since, WATCHED);
        let down = Apart::of(&busy_line.down, &idle_line.down, since, WATCHED);
        [("up", up), ("down", down)]
    };

    let talking = talk(&busy, world.stock.transfers[0].raw.clone());
    let seen = watch().await;
    assert!(!talking.is_finished(), "it talks all the time");
    for ((direction, apart), rate) in seen.into_iter().zip([UP, DOWN]) {
        assert!(!apart.told(), "{direction}: {apart}");
        for count in apart.counts() {
            // Four deviations of a Poisson count, and a few per cent for a busy machine.
            let off = (float(count) / WATCHED.as_secs_f64() / rate - 1.0).abs();
            let chance = 4.0 / (rate * WATCHED.as_secs_f64()).sqrt();
            assert!(off < 0.04 + chance, "{direction}: {apart}");
        }
    }
    let loops = idle.loops().borrow().clone();
    assert!(loops.sent > 20 && loops.returned > 10 && loops.lost == 0, "{loops:?}");

    // The operator turns it off, for the whole net, while it runs.
    world.net.change(|parameters| parameters.rates = Rates::default()).await.expect("known");
    let known = world.net.follower().current().expect("a document").version();
    let told = |document: &mixbed_directory::Document| document.version() >= known;
    gateway.follower().wait_for(SOON, told).await.expect("told");
    // What is on its way still comes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (direction, apart) in watch().await {
        assert!(apart.told(), "{direction}: {apart}");
    }

    talking.abort();
    let books = || {
        let mut books = world.net.books();
        books.nodes.insert(GATEWAY.to_owned(), gateway.readings());
        books
    };
    // The first client was stopped.
    settled(books, &[&world.client, &busy, &idle], Links::Broken).await;
    busy.stop().await;
    idle.stop().await;
    gateway.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_is_mined_with_cover_on() {
    let world = World::with(|config| {
        config.parameters =
            parameters(Rates { payload: 10.0, drop: 2.0, client_loop: 5.0, ..Rates::default() });
    })
    .await;
    let mut transfers = world.stock.transfers[..3].iter();
    // Where the machine stalls for a second, a packet is sent again: then it is the next one.
    let report = loop {
        let transfer = transfers.next().expect("one goes in one packet");
        let report = world.client.broadcast(&transfer.raw, options()).await.expect("accepted");
        if (report.packets_sent, report.retransmissions) == (1, 0) {
            break report;
        }
    };
    world.mined(report.txid).await;
    let mut loops = world.client.loops();
    let back = loops.wait_for(|loops| loops.returned >= 5);
    let report = tokio::time::timeout(SOON, back).await.expect("soon").expect("alive").clone();
    assert_eq!((report.lost, report.nodes.is_empty()), (0, false));
    // Loops that are on its link are lost with it.
    world.client.stop().await;
    world.at_rest_after_broken_links().await;
}
