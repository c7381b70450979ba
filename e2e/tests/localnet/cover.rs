//! A client that broadcasts and one that idles, watched from outside.

use std::time::{Duration, Instant, SystemTime};

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{DirectoryClient, IdentitySecret, Parameters, ParametersOrder, Rates, Role};
use mixbed_localnet::Shape;
use mixbed_node::{Limits, Node, NodeConfig};
use mixbed_wire::LinkSecret;
use tokio::net::TcpListener;

use crate::recorder::{Line, Passed, Recorder, count, frames};
use crate::world::{SOON, World, options};

/// What the distance times √n exceeds once in a thousand times, when nothing is wrong.
const ONCE_IN_A_THOUSAND: f64 = 1.949;

/// The same for a Poisson count, in deviations.
const DEVIATIONS: f64 = 3.3;

const GAPS: usize = 200;
const COUNTED: Duration = Duration::from_secs(4);

const GATEWAY: &str = "gateway-watched";

fn parameters(rates: Rates) -> Parameters {
    Parameters { mean_hop_delay: Duration::from_millis(10), rates, ..Parameters::default() }
}

/// A gateway whose address in the document is the recorder's.
async fn watched_gateway(world: &World) -> (Node, Recorder) {
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = socket.local_addr().expect("bound");
    let recorder = Recorder::start(front, target);
    let config = NodeConfig {
        name: GATEWAY.to_owned(),
        role: Role::Gateway,
        advertise: Some(recorder.address.to_string()),
        directory: world.net.directory_url(),
        trust: world.net.trust().clone(),
        join_secret: world.net.join_secret().clone(),
        identity: IdentitySecret::generate(&mut rand::rng()),
        link_key: LinkSecret::generate(&mut rand::rng()),
        monerod: None,
        mailboxes: mixbed_node::mailbox::MailboxConfig::default(),
        keep_document_in: None,
        limits: Limits::default(),
    };
    let node = Node::start(config, socket, world.net.telemetry()).expect("a gateway");
    let listed = |document: &mixbed_directory::Document| document.by_name(GATEWAY).is_some();
    world.net.follower().wait_for(SOON, listed).await.expect("listed");
    (node, recorder)
}

async fn lines(recorder: &Recorder, wanted: usize) -> Vec<Line> {
    let there = async {
        while recorder.lines().len() < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, there).await.expect("connected");
    recorder.lines()
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

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("not so many"))
}

fn gaps(times: &[Instant]) -> Vec<f64> {
    let gaps = times.windows(2).take(GAPS);
    gaps.map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect()
}

/// The two-sample Kolmogorov-Smirnov distance, in units of its bound at p = 0.001.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let share =
        |of: &[f64], at: f64| float(of.iter().filter(|gap| **gap <= at).count()) / float(of.len());
    let worst = |worst: f64, at: &f64| worst.max((share(a, *at) - share(b, *at)).abs());
    let distance = a.iter().chain(b).fold(0.0, worst);
    let n = float(a.len()) * float(b.len()) / float(a.len() + b.len());
    distance * n.sqrt() / ONCE_IN_A_THOUSAND
}

async fn until_enough(passed: [&Passed; 2], since: Instant) {
    let enough = async {
        while since.elapsed() < COUNTED
            || passed.iter().any(|passed| frames(passed, since).len() <= GAPS)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let enough = tokio::time::timeout(SOON, enough).await;
    let counts = passed.map(|passed| frames(passed, since).len());
    assert!(enough.is_ok(), "both send and receive at their rates, not {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_broadcasts_and_who_idles_look_alike_until_cover_is_off() {
    let on = parameters(Rates {
        payload: 35.0,
        drop: 10.0,
        client_loop: 10.0,
        downlink: 55.0,
        ..Rates::default()
    });
    let world = World::with(|config| {
        config.shape = Shape { gateways: 1, mixes_per_layer: 1, providers: 1 };
        config.parameters = on;
    })
    .await;
    // It would only take time from the others.
    world.client.stop().await;
    let (gateway, recorder) = watched_gateway(&world).await;
    lines(&recorder, 1).await;
    let (busy, busy_line) = watched_client(&world, &recorder).await;
    let (idle, idle_line) = watched_client(&world, &recorder).await;

    let raw = world.stock.transfers[0].raw.clone();
    let talk = tokio::spawn({
        let busy = busy.clone();
        async move {
            busy.broadcast(&raw, options()).await.expect("accepted");
            while busy.request("echo", &vec![7; 20_000], SOON).await.is_ok() {}
        }
    });
    let since = Instant::now();
    until_enough([&busy_line.up, &idle_line.up], since).await;
    assert!(!talk.is_finished(), "it talks all the time");
    let (up, idle_up) = (&busy_line.up, &idle_line.up);
    let apart = distance(&gaps(&frames(up, since)), &gaps(&frames(idle_up, since)));
    assert!(apart < 1.0, "gaps at {apart} of the bound");
    let (ours, theirs) = (count(up, since, COUNTED), count(idle_up, since, COUNTED));
    let deviations = float(ours.abs_diff(theirs)) / float(ours + theirs).sqrt();
    assert!(deviations < DEVIATIONS, "{ours} frames and {theirs}");
    for down in [&busy_line.down, &idle_line.down] {
        assert!(!frames(down, since).is_empty(), "whole frames down too");
    }
    let loops = idle.loops().borrow().clone();
    assert!(loops.sent > 20 && loops.returned > 10 && loops.lost == 0, "{loops:?}");

    // The operator turns it off, for the whole net, while it runs.
    let off = parameters(Rates::default());
    let (network, secret) = (&world.net.trust().network, world.net.join_secret());
    let order = ParametersOrder::new(&off, network, SystemTime::now(), secret);
    let directory = DirectoryClient::new(&world.net.directory_url()).expect("a good URL");
    directory.set_parameters(&order).await.expect("ordered");
    let told = |document: &mixbed_directory::Document| document.parameters == off;
    gateway.follower().wait_for(SOON, told).await.expect("told");
    tokio::time::timeout(SOON, async {
        loop {
            let since = Instant::now();
            tokio::time::sleep(Duration::from_millis(500)).await;
            let [up, down] =
                [&idle_line.up, &idle_line.down].map(|passed| frames(passed, since).len());
            let busy = frames(&busy_line.up, since).len();
            if up + down == 0 && busy > 5 {
                return;
            }
        }
    })
    .await
    .expect("without cover one talks and the other is silent");

    talk.abort();
    busy.stop().await;
    idle.stop().await;
    gateway.stop(Duration::from_secs(1)).await;
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_is_mined_with_cover_on() {
    let world = World::with(|config| {
        config.parameters =
            parameters(Rates { payload: 10.0, drop: 2.0, client_loop: 5.0, ..Rates::default() });
    })
    .await;
    let transfer = &world.stock.transfers[0];
    let report = world.client.broadcast(&transfer.raw, options()).await.expect("accepted");
    assert_eq!((report.packets_sent, report.retransmissions), (1, 0));
    world.mined(report.txid).await;
    let mut loops = world.client.loops();
    let back = loops.wait_for(|loops| loops.returned >= 5);
    let report = tokio::time::timeout(SOON, back).await.expect("soon").expect("alive").clone();
    assert_eq!((report.lost, report.nodes.is_empty()), (0, false));
    world.client.stop().await;
    world.at_rest().await;
}
