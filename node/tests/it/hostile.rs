//! Peers that are not what they should be. Each time, a good packet passes afterwards.

use std::time::Duration;

use mixbed_directory::{IdentitySecret, JoinSecret};
use mixbed_link::Error;
use mixbed_node::{Limits, Node};
use mixbed_wire::{FRAME_SIZE, Frame, Handshake, LinkSealer, LinkSecret, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::rig::{Rig, SOON, node_config};

async fn still_serves(rig: &mut Rig) {
    let packet = rig.packet();
    rig.send(&packet).await;
    rig.receive().await;
}

/// Waits until the node has closed the connection.
async fn closed(stream: &mut TcpStream) {
    let mut sink = [0; 64];
    let end = async { while stream.read(&mut sink).await.is_ok_and(|count| count > 0) {} };
    tokio::time::timeout(SOON, end).await.expect("the node closes the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_half_a_frame_and_silence_lose_their_connection() {
    let limits = Limits { handshake: Duration::from_secs(2), ..Limits::default() };
    let mut rig = Rig::new(limits).await;
    for bytes in [vec![0xff; FRAME_SIZE], vec![0; FRAME_SIZE / 2], Vec::new()] {
        let mut stream = TcpStream::connect(rig.node.address()).await.expect("it listens");
        stream.write_all(&bytes).await.expect("written");
        closed(&mut stream).await;
    }
    still_serves(&mut rig).await;
}

/// Shakes hands as the peer before, and keeps the bare connection.
async fn bare_link(rig: &Rig) -> (TcpStream, LinkSealer) {
    let document = rig.net.follower().current().expect("a document");
    let node = document.node(&rig.node.id()).expect("listed");
    let mut stream = TcpStream::connect(&node.address).await.expect("it listens");
    let mut step =
        Handshake::dial("local", &rig.before.link_key, &node.link_key).expect("a handshake");
    loop {
        step = match step {
            Step::Send(frame, handshake) => {
                stream.write_all(&frame).await.expect("written");
                handshake.next().expect("a step")
            }
            Step::Read(handshake) => {
                let mut frame = [0; FRAME_SIZE];
                stream.read_exact(&mut frame).await.expect("an answer");
                handshake.handle_frame(&frame).expect("a good one")
            }
            Step::Done { sealer, .. } => return (stream, sealer),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_a_repeated_frame_after_the_handshake_end_that_link_only() {
    let mut rig = Rig::new(Limits::default()).await;
    let (mut stream, _) = bare_link(&rig).await;
    stream.write_all(&[0xff; FRAME_SIZE]).await.expect("written");
    closed(&mut stream).await;

    let (mut stream, mut sealer) = bare_link(&rig).await;
    let mut frame = Vec::new();
    sealer.seal(&Frame::Packet(rig.packet()), &mut frame).expect("sealed");
    stream.write_all(&frame).await.expect("written");
    rig.receive().await;
    stream.write_all(&frame).await.expect("written");
    closed(&mut stream).await;
    still_serves(&mut rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_frame_holds_up_nobody() {
    let mut rig = Rig::new(Limits::default()).await;
    let (mut stream, mut sealer) = bare_link(&rig).await;
    let mut frame = Vec::new();
    sealer.seal(&Frame::Packet(rig.packet()), &mut frame).expect("sealed");
    stream.write_all(&frame[..FRAME_SIZE / 2]).await.expect("written");
    still_serves(&mut rig).await;
    stream.write_all(&frame[FRAME_SIZE / 2..]).await.expect("written");
    rig.receive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_keep_nobody_out() {
    let limits = Limits { handshakes: 4, ..Limits::default() };
    let mut rig = Rig::new(limits).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(rig.node.address()).await.expect("it listens"));
    }
    let (mut stream, mut sealer) = bare_link(&rig).await;
    let mut frame = Vec::new();
    sealer.seal(&Frame::Packet(rig.packet()), &mut frame).expect("sealed");
    stream.write_all(&frame).await.expect("written");
    rig.receive().await;
    closed(&mut silent[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_silent_connections() {
    let rig = Rig::new(Limits { handshake: Duration::from_secs(60), ..Limits::default() }).await;
    let mut silent = TcpStream::connect(rig.node.address()).await.expect("it listens");
    tokio::time::timeout(SOON, rig.node.stop(Duration::ZERO)).await.expect("it stops");
    closed(&mut silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_in_the_document_gets_no_link() {
    let mut rig = Rig::new(Limits::default()).await;
    let document = rig.net.follower().current().expect("a document");
    let node = document.node(&rig.node.id()).expect("listed");
    let stranger = LinkSecret::generate(&mut rand::rng());
    let dialled = mixbed_link::dial(&node.address, "local", &stranger, &node.link_key, SOON).await;
    // Noise XK lets the dialler finish first: that it is not wanted, it learns from the closing.
    let mut link = dialled.expect("the handshake itself is good");
    let end = tokio::time::timeout(SOON, link.reader.read()).await.expect("it closes");
    assert!(matches!(end, Ok(None) | Err(Error::Io(_))), "{end:?}");
    let metrics = rig.telemetry.metrics_text();
    assert!(metrics.contains("reason=\"not_admitted\"} 1"), "{metrics}");
    still_serves(&mut rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_the_wrong_layer_gets_no_link() {
    let mut rig = Rig::new(Limits::default()).await;
    let document = rig.net.follower().current().expect("a document");
    let node = document.node(&rig.node.id()).expect("listed");
    let mut link = rig.after.dial(node).await.expect("it has a key of the net");
    let end = tokio::time::timeout(SOON, link.reader.read()).await.expect("it closes");
    assert!(matches!(end, Ok(None) | Err(Error::Io(_))), "{end:?}");
    still_serves(&mut rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_join_secret_keeps_a_node_out_and_it_says_so() {
    let rig = Rig::new(Limits::default()).await;
    let wrong = JoinSecret::generate(&mut rand::rng());
    let mut config = node_config(&rig.net, "intruder", wrong, Limits::default());
    config.identity = IdentitySecret::generate(&mut rand::rng());
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let node = Node::start(config, socket, &rig.telemetry).expect("it starts");
    let said = async {
        loop {
            let reasons = node.health().reasons().join("\n");
            if reasons.contains("join secret") {
                return reasons;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let reasons = tokio::time::timeout(SOON, said).await.expect("it says why");
    assert!(reasons.contains("does not admit"), "{reasons}");
    let document = rig.net.follower().current().expect("a document");
    assert!(document.by_name("intruder").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_that_cannot_work_are_refused_at_the_start() {
    let rig = Rig::new(Limits::default()).await;
    let limits = Limits::default();
    let broken = [
        ("pool", Limits { pool: 0, ..limits.clone() }),
        ("workers", Limits { workers: Some(0), ..limits.clone() }),
        ("queue_per_worker", Limits { queue_per_worker: usize::MAX, ..limits.clone() }),
        ("links", Limits { links: usize::MAX, ..limits.clone() }),
        ("client_queue", Limits { client_queue: 0, ..limits.clone() }),
        ("handshake", Limits { handshake: Duration::ZERO, ..limits }),
    ];
    for (name, limits) in broken {
        let secret = JoinSecret::generate(&mut rand::rng());
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let config = node_config(&rig.net, "broken", secret, limits);
        let error = Node::start(config, socket, &rig.telemetry).expect_err("it cannot work");
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
}
