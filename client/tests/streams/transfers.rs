//! Bytes, both ways.

use std::time::{Duration, Instant};

use mixbed_client::StreamOptions;
use mixbed_directory::{ImpairmentRule, Parameters, Rates};
use mixbed_wire::Impairment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{Rig, SOON, bytes, parameters, say, through};

/// A megabyte where the code is optimised, a tenth of it where not.
const MEGABYTE: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_there_and_back_at_once() {
    let rig = Rig::new(1, parameters()).await;
    let sent = bytes(1, 10 * MEGABYTE);
    let stream = rig.echo().await;
    let (began, before) = (Instant::now(), rig.client.readings());
    tokio::time::timeout(6 * SOON, through(stream, &sent)).await.expect("in time");
    let after = rig.client.readings();
    println!(
        "{} bytes there and back in {:?}: {} packets there, {} back",
        sent.len(),
        began.elapsed(),
        after.sent - before.sent,
        after.received - before.received,
    );
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_streams_at_once_do_not_mix() {
    let rig = Rig::new(1, parameters()).await;
    let streams = (0..20_u8).map(|seed| {
        let client = rig.client.clone();
        tokio::spawn(async move {
            let stream = client.open("echo", "", StreamOptions::default()).await;
            through(stream.expect("granted"), &bytes(seed, MEGABYTE / 10)).await;
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        tokio::time::timeout(3 * SOON, stream).await.expect("in time").expect("the same bytes");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_direction_ends_and_the_other_goes_on() {
    let rig = Rig::new(1, parameters()).await;
    let mut stream = rig.echo().await;
    say(&mut stream, b"hello").await.expect("echoed");
    stream.write_all(b"bye").await.expect("taken");
    stream.shutdown().await.expect("ended");
    assert!(stream.write_all(b"more").await.is_err(), "this direction has ended");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("the other one has not");
    assert_eq!(rest, b"bye");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_rides_with_the_opening() {
    let hop = Duration::from_millis(40);
    let rig = Rig::new(1, Parameters { mean_hop_delay: hop, ..parameters() }).await;
    let mut took = [Vec::new(), Vec::new()];
    // In turn, so that a machine that is slow for a while is so for both.
    for _ in 0..16 {
        for (took, early) in took.iter_mut().zip([true, false]) {
            let began = Instant::now();
            let options = StreamOptions { early, ..StreamOptions::default() };
            let mut stream = rig.client.open("echo", "", options).await.expect("granted");
            say(&mut stream, b"hello").await.expect("echoed");
            took.push(began.elapsed());
        }
    }
    let [early, granted] = took.map(|mut took| {
        took.sort();
        took[took.len() / 2]
    });
    println!("the first bytes after {early:?}, {granted:?} if granted first");
    assert!(early < granted.mul_f64(0.8), "one round trip, not two: {early:?}, {granted:?}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_loses_packets_loses_no_bytes() {
    let rig = Rig::new(1, parameters()).await;
    let loss = Impairment { loss: 0.05, ..Impairment::NONE };
    rig.net.impair(vec![ImpairmentRule::everywhere(loss)]).await.expect("impaired");
    let stream = rig.echo().await;
    let sent = bytes(2, MEGABYTE);
    let began = Instant::now();
    tokio::time::timeout(3 * SOON, through(stream, &sent)).await.expect("in time");
    println!("{} bytes there and back at 5 % loss a link in {:?}", sent.len(), began.elapsed());
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_of_streams_leave_on_the_ticks_of_the_cover() {
    let rates =
        Rates { payload: 100.0, drop: 20.0, client_loop: 5.0, downlink: 200.0, ..Rates::default() };
    let rig = Rig::new(1, Parameters { rates, ..parameters() }).await;
    // The time is that of all packets that are counted, and a little more.
    let began = Instant::now();
    let before = rig.client.readings();
    through(rig.echo().await, &bytes(3, 100_000)).await;
    let sent = rig.client.readings().sent - before.sent;
    let took = began.elapsed();
    assert!(took > Duration::from_millis(300), "{took:?}: 44 packets take 44 ticks");
    let most = 1.5 * (125.0 * took.as_secs_f64()) + 20.0;
    assert!(f64::from(u32::try_from(sent).expect("few")) < most, "{sent} packets in {took:?}");
    rig.stop().await;
}
