mod near;
mod rpc;

use std::time::{Duration, Instant};

use mixbed_session::{Code, Limits, OpenError, Reason, Stream};
use mixbed_wire::DropReason;
use mixbed_wire::message::SessionId;
use near::Far;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{SessionBounds, TcpConfig};
use crate::provider::ProviderConfig;

/// Long enough on a machine with other things to do.
const SOON: Duration = Duration::from_secs(20);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("in time")
}

fn allowing(targets: &[&str]) -> ProviderConfig {
    let targets = targets.iter().map(|rule| rule.parse().expect("a rule")).collect();
    ProviderConfig { tcp: TcpConfig { targets, names: Vec::new() }, ..ProviderConfig::default() }
}

fn bounded(sessions: SessionBounds) -> ProviderConfig {
    ProviderConfig { sessions, ..allowing(&["127.0.0.1:*"]) }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("bound").to_string();
    (listener, address)
}

fn reason(error: &std::io::Error) -> Reason {
    let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<Reason>());
    inside.unwrap_or_else(|| panic!("{error:?} has no reason")).clone()
}

/// Why a stream ended, once it has.
async fn end_of(stream: &mut Stream) -> Reason {
    let mut rest = Vec::new();
    reason(&soon(stream.read_to_end(&mut rest)).await.expect_err("it broke"))
}

async fn connected(far: &Far, near: &near::Near) -> (Stream, TcpStream) {
    let (listener, address) = listener().await;
    let mut stream = near.open("tcp", &address);
    let (socket, _) = soon(listener.accept()).await.expect("a connection");
    soon(stream.granted()).await.expect("granted");
    assert!(far.provider().is_busy());
    (stream, socket)
}

#[tokio::test]
async fn what_a_stream_says_comes_back() {
    let far = Far::new(ProviderConfig::default());
    assert_eq!(far.provider().services(), ["echo"]);
    let near = far.client();
    let mut stream = near.open("echo", "");
    let said: Vec<u8> = (0..100_000_u32).map(|i| i.to_be_bytes()[3]).collect();
    let (mut from, mut to) = tokio::io::split(&mut stream);
    let says = async {
        to.write_all(&said).await.expect("written");
        to.shutdown().await.expect("finished");
    };
    let mut heard = Vec::new();
    let (read, ()) = soon(async { tokio::join!(from.read_to_end(&mut heard), says) }).await;
    read.expect("read");
    assert!(heard == said, "{} of {} bytes", heard.len(), said.len());
    drop(stream);
    let text = far.telemetry.metrics_text();
    for line in [
        r#"mixbed_sessions{node="provider-0"} 1"#,
        r#"mixbed_streams_asked_total{node="provider-0",service="echo",outcome="granted"} 1"#,
        r#"mixbed_stream_bytes_total{node="provider-0",service="echo",direction="from_clients"} 100000"#,
        r#"mixbed_stream_bytes_total{node="provider-0",service="echo",direction="to_clients"} 100000"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn each_direction_ends_by_itself() {
    let far = Far::new(allowing(&["127.0.0.1:*"]));
    assert_eq!(far.provider().services(), ["echo", "tcp"]);
    let near = far.client();
    let (mut stream, mut socket) = connected(&far, &near).await;
    // The client has said all; the target answers then.
    stream.write_all(b"question").await.expect("written");
    stream.shutdown().await.expect("finished");
    let mut question = String::new();
    soon(socket.read_to_string(&mut question)).await.expect("read to its end");
    assert_eq!(question, "question");
    socket.write_all(b"answer").await.expect("written");
    drop(socket);
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.expect("read to its end");
    assert_eq!(answer, "answer");

    // The other way round.
    let (mut stream, mut socket) = connected(&far, &near).await;
    socket.write_all(b"greeting").await.expect("written");
    socket.shutdown().await.expect("finished");
    let mut greeting = String::new();
    soon(stream.read_to_string(&mut greeting)).await.expect("read to its end");
    assert_eq!(greeting, "greeting");
    stream.write_all(b"thanks").await.expect("written");
    stream.shutdown().await.expect("finished");
    let mut thanks = String::new();
    soon(socket.read_to_string(&mut thanks)).await.expect("read to its end");
    assert_eq!(thanks, "thanks");
}

#[tokio::test]
async fn what_cannot_be_connected_is_refused_by_name() {
    let (gone, refusing) = listener().await;
    drop(gone);
    let far = Far::new(allowing(&["127.0.0.1:*"]));
    let near = far.client();
    for (service, target, code) in [
        ("tcp", "127.0.0.2:80", Code::Forbidden),
        ("tcp", "nonsense", Code::Forbidden),
        ("tcp", refusing.as_str(), Code::Refused),
        ("udp", "127.0.0.1:80", Code::UnknownService),
    ] {
        let mut stream = near.open(service, target);
        // What was written before is lost with it.
        let _ = stream.write_all(b"early").await;
        let reason = soon(stream.granted()).await.expect_err("refused");
        assert_eq!(reason.code(), code, "{reason}");
    }
    let text = far.telemetry.metrics_text();
    for line in [
        r#"mixbed_streams_asked_total{node="provider-0",service="tcp",outcome="forbidden"} 2"#,
        r#"mixbed_streams_asked_total{node="provider-0",service="tcp",outcome="refused"} 1"#,
        r#"mixbed_streams_asked_total{node="provider-0",service="unknown",outcome="unknown_service"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn who_breaks_off_is_told_of_to_the_other_side() {
    let far = Far::new(allowing(&["127.0.0.1:*"]));
    let near = far.client();
    let (mut stream, socket) = connected(&far, &near).await;
    socket.set_zero_linger().expect("set");
    drop(socket);
    let reason = end_of(&mut stream).await;
    assert_eq!(reason.code(), Code::Closed, "{reason}");
    assert!(reason.words().contains("the target"), "{reason}");

    let (stream, mut socket) = connected(&far, &near).await;
    stream.reset(Code::Closed.into());
    let error = soon(socket.read(&mut [0; 10])).await.expect_err("a break, not an end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_target_that_does_not_read_stops_its_stream_and_no_other() {
    let far = Far::new(allowing(&["127.0.0.1:*"]));
    let near = far.client();
    let (mut slow, mut socket) = connected(&far, &near).await;
    let chunk = vec![7; 64 << 10];
    let mut written = 0;
    let mut write = async || {
        let stall = Duration::from_secs(1);
        while let Ok(taken) = tokio::time::timeout(stall, slow.write(&chunk)).await {
            written += taken.expect("taken");
            assert!(written < 64 << 20, "there is no end to it");
        }
    };
    soon(write()).await;
    // Others go on meanwhile.
    let mut echo = near.open("echo", "");
    echo.write_all(b"hello").await.expect("written");
    soon(echo.read_exact(&mut [0; 5])).await.expect("read");
    // Whatever was taken arrives when the target reads.
    slow.shutdown().await.expect("finished");
    let mut read = Vec::new();
    soon(socket.read_to_end(&mut read)).await.expect("read to its end");
    assert_eq!(read.len(), written);
}

#[tokio::test]
async fn a_stream_on_which_nothing_moves_ends() {
    let stream_idle = Duration::from_secs(2);
    let far = Far::new(bounded(SessionBounds { stream_idle, ..SessionBounds::default() }));
    let near = far.client();
    let mut echo = near.open("echo", "");
    let (mut stream, mut socket) = connected(&far, &near).await;
    assert_eq!(end_of(&mut echo).await.code(), Code::IdleTooLong);
    assert_eq!(end_of(&mut stream).await.code(), Code::IdleTooLong);
    assert!(soon(socket.read(&mut [0; 10])).await.is_err(), "the target hears of a break");
}

#[tokio::test]
async fn connections_are_bounded() {
    let far = Far::new(bounded(SessionBounds { sockets: 1, ..SessionBounds::default() }));
    let near = far.client();
    let (first, mut socket) = connected(&far, &near).await;
    let (_listener, address) = listener().await;
    let mut second = near.open("tcp", &address);
    let reason = soon(second.granted()).await.expect_err("one too many");
    assert_eq!(reason.code(), Code::Busy, "{reason}");
    // One that ends makes room.
    drop(first);
    assert!(soon(socket.read(&mut [0; 10])).await.is_err());
    connected(&far, &near).await;
}

#[tokio::test]
async fn sessions_are_bounded_and_those_without_streams_make_room() {
    let far = Far::new(bounded(SessionBounds { sessions: 1, ..SessionBounds::default() }));
    let first = far.client();
    let mut stream = first.open("echo", "");
    soon(stream.granted()).await.expect("granted");
    let second = far.client();
    let reason = soon(second.open("echo", "").granted()).await.expect_err("one too many");
    assert_eq!(reason.code(), Code::Busy, "{reason}");

    drop(stream);
    let mut tries = 0;
    loop {
        // The first one's end may still be under way.
        let third = far.client();
        match soon(third.open("echo", "").granted()).await {
            Ok(()) => break,
            Err(reason) => assert_eq!(reason.code(), Code::Busy, "{reason}"),
        }
        tries += 1;
        assert!(tries < 1000, "there is never any room");
    }
    let lost = match first.shared.open("echo", "", Instant::now()) {
        Ok(mut stream) => soon(stream.granted()).await.expect_err("it is gone"),
        Err(OpenError::Closed(reason)) => reason,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(lost.code(), Code::SessionLost, "{lost}");
}

#[tokio::test]
async fn a_provider_that_ends_says_so() {
    let far = Far::new(allowing(&["127.0.0.1:*"]));
    let near = far.client();
    let mut echo = near.open("echo", "");
    let (mut stream, mut socket) = connected(&far, &near).await;
    assert!(far.provider().is_busy());
    far.provider().end_sessions();
    assert_eq!(end_of(&mut echo).await.code(), Code::Stopped);
    assert_eq!(end_of(&mut stream).await.code(), Code::Stopped);
    assert!(soon(socket.read(&mut [0; 10])).await.is_err(), "the target hears of a break");
    assert!(!far.provider().is_busy());
    let reason = soon(far.client().open("echo", "").granted()).await.expect_err("it leaves");
    assert_eq!(reason.code(), Code::Stopped, "{reason}");
}

#[tokio::test]
async fn a_provider_that_forgot_says_so_at_once() {
    let far = Far::new(ProviderConfig::default());
    let near = far.client();
    let mut stream = near.open("echo", "");
    soon(stream.granted()).await.expect("granted");
    far.restart(ProviderConfig::default());
    // It has to send something to be told.
    let _ = stream.write_all(b"hello").await;
    let reason = end_of(&mut stream).await;
    assert_eq!(reason.code(), Code::SessionLost, "{reason}");
    let unknown = SessionId::from_bytes([9; 16]);
    assert_eq!(far.deliver(unknown, 7, &[], b"nothing"), Err(DropReason::UnknownMessage));
}

/// Whatever bytes come, sessions stay within their bounds, and honest ones go on.
#[tokio::test]
async fn hostile_packets_change_nothing_for_others() {
    use rand::{RngExt, SeedableRng};
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
    let each = Limits { streams: 4, ..SessionBounds::default().each };
    let bounds = SessionBounds { sessions: 8, each, ..SessionBounds::default() };
    let far = Far::new(bounded(bounds));
    let near = far.client();
    let mut echo = near.open("echo", "");
    soon(echo.granted()).await.expect("granted");
    for round in 0..20_000_u32 {
        let mut frames = vec![0; rng.random_range(0..60)];
        rng.fill(&mut frames[..]);
        let session = SessionId::from_bytes([rng.random_range(0..50); 16]);
        let _ = far.deliver(session, rng.random_range(0..1000), &[], &frames);
        if round % 1000 == 0 {
            echo.write_all(b"hello").await.expect("written");
            soon(echo.read_exact(&mut [0; 5])).await.expect("read");
        }
    }
    let text = far.telemetry.metrics_text();
    let held =
        text.lines().find_map(|line| line.strip_prefix("mixbed_sessions{node=\"provider-0\"} "));
    let held: usize = held.expect("it is there").parse().expect("a number");
    assert!((1..=8).contains(&held), "{held} sessions");
}
