//! What a stream's user is told when something fails, and what works all the same.

use std::time::{Duration, Instant};

use mixbed_client::{Code, Reason, State, StreamError, StreamOptions};
use mixbed_node::provider::TcpConfig;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::rig::{Rig, SOON, parameters, say};

fn at(provider: &str) -> StreamOptions {
    StreamOptions { provider: Some(provider.to_owned()), ..StreamOptions::default() }
}

fn code(error: &std::io::Error) -> Option<Code> {
    error.get_ref().and_then(|inside| inside.downcast_ref::<Reason>()).map(Reason::code)
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_a_provider_that_dies_are_reset_and_another_one_serves() {
    let mut rig = Rig::new(2, parameters()).await;
    let mut stream = rig.client.open("echo", "", at("provider-0")).await.expect("granted");
    let mut idle = rig.client.open("echo", "", at("provider-0")).await.expect("granted");
    say(&mut stream, b"hello").await.expect("echoed");
    rig.net.stop_node("provider-0", Duration::ZERO).await;
    let began = Instant::now();
    let error = say(&mut stream, b"are you there?").await.expect_err("nobody is");
    assert_eq!(code(&error), Some(Code::SessionLost), "{error}");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let error = idle.read(&mut [0]).await.expect_err("of the same session");
    assert_eq!(code(&error), Some(Code::SessionLost), "{error}");
    let lost = began.elapsed();
    let began = Instant::now();
    let mut other = rig.echo().await;
    say(&mut other, b"hello").await.expect("by the other one");
    println!("lost after {lost:?}, another one after {:?}", began.elapsed());
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_was_restarted_serves_new_streams_at_once() {
    let mut rig = Rig::new(1, parameters()).await;
    let mut stream = rig.echo().await;
    say(&mut stream, b"hello").await.expect("echoed");
    rig.net.stop_node("provider-0", Duration::ZERO).await;
    rig.net.start_node("provider-0").await.expect("its port is free");
    rig.net.wait_ready(SOON).await.expect("listed again");
    // In the old session, of which the provider knows nothing: it says so.
    let mut again = tokio::time::timeout(SOON, rig.echo()).await.expect("soon");
    say(&mut again, b"hello").await.expect("in a new session");
    let error = say(&mut stream, b"and this one?").await.expect_err("its session is lost");
    assert_eq!(code(&error), Some(Code::SessionLost), "{error}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_provider_refuses_others_are_asked_for() {
    let target = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (served, dead) = (target.local_addr().expect("bound").to_string(), "127.0.0.1:9");
    let only = |targets: &[&str]| TcpConfig {
        targets: targets.iter().map(|target| target.parse().expect("a rule")).collect(),
        ..TcpConfig::default()
    };
    let tcps = vec![only(&["127.0.0.1:7"]), only(&[&served, dead])];
    let rig = Rig::with_tcps(2, tcps, parameters()).await;
    // Six times by chance to the right one first: once in 64 runs, and then it shows nothing.
    for _ in 0..6 {
        let opened = rig.client.open("tcp", &served, StreamOptions::default()).await;
        opened.expect("the other one connects").reset(Code::Closed.into());
    }
    let refused = async |target: &str, options: StreamOptions| {
        let error = rig.client.open("tcp", target, options).await.expect_err("refused");
        let StreamError::Refused { provider, reason } = error else { panic!("{error}") };
        (provider, reason.code())
    };
    // Whoever has tried knows more than who may not.
    assert_eq!(refused(dead, StreamOptions::default()).await, ("provider-1".into(), Code::Refused));
    assert_eq!(refused("[::1]:1", StreamOptions::default()).await.1, Code::Forbidden);
    assert_eq!(refused(&served, at("provider-0")).await, ("provider-0".into(), Code::Forbidden));
    rig.stop().await;
}

/// More than a session has room for, all asked for at once.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_streams_are_held_open_at_once() {
    let rig = Rig::new(1, parameters()).await;
    let mut opening = JoinSet::new();
    for _ in 0..200 {
        let client = rig.client.clone();
        opening.spawn(async move { client.open("echo", "", StreamOptions::default()).await });
    }
    let streams = opening.join_all().await.into_iter().map(|opened| opened.expect("granted"));
    let mut streams: Vec<_> = streams.collect();
    for stream in &mut streams {
        say(stream, b"hello").await.expect("echoed");
    }
    drop(streams);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_is_kept_whoever_is_away() {
    let mut rig = Rig::new(1, parameters()).await;
    rig.net.stop_node("provider-0", Duration::ZERO).await;
    let deadline = Duration::from_secs(2);
    let options = StreamOptions { deadline, ..StreamOptions::default() };
    let began = Instant::now();
    let error = rig.client.open("echo", "", options.clone()).await.expect_err("it is away");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    // The directory may have heard of it already.
    let expected = ["deadline_passed", "session_lost", "no_provider", "not_ready"];
    assert!(expected.contains(&error.kind()), "{error}");
    for gateway in ["gateway-0", "gateway-1"] {
        rig.net.stop_node(gateway, Duration::ZERO).await;
    }
    let mut state = rig.client.state();
    let away = state.wait_for(|state| !state.can_send());
    tokio::time::timeout(SOON, away).await.expect("soon").expect("alive");
    let error = rig.client.open("echo", "", options).await.expect_err("nobody is there");
    assert!(matches!(error.kind(), "not_ready" | "no_provider"), "{error}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_is_wrong() {
    let rig = Rig::new(1, parameters()).await;
    let error = rig.client.open("ecko", "", StreamOptions::default()).await.expect_err("misspelt");
    assert_eq!(error.to_string(), "nobody offers ecko: no provider of the network does");
    let error = rig.client.open("echo", "", at("provider-7")).await.expect_err("misspelt");
    assert!(matches!(error, StreamError::NoProvider { .. }), "{error}");
    let long = "x".repeat(300);
    let error = rig.client.open("echo", &long, StreamOptions::default()).await.expect_err("long");
    assert!(matches!(error, StreamError::Invalid(_)), "{error}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_ends_its_streams() {
    let rig = Rig::new(1, parameters()).await;
    let mut stream = rig.echo().await;
    say(&mut stream, b"hello").await.expect("echoed");
    let reading = tokio::spawn(async move { stream.read(&mut [0]).await });
    rig.client.stop().await;
    assert_eq!(*rig.client.state().borrow(), State::Stopped);
    let error = tokio::time::timeout(SOON, reading).await.expect("soon").expect("no panic");
    let error = error.expect_err("stopped");
    assert_eq!(code(&error), Some(Code::Stopped), "{error}");
    let error = rig.client.open("echo", "", StreamOptions::default()).await.expect_err("stopped");
    assert!(matches!(error, StreamError::Stopped), "{error}");
    rig.stop().await;
}
