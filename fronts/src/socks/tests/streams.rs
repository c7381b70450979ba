//! Connections that stand.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::*;

/// Bytes in which nothing that is lost, doubled or moved stays unnoticed.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251).to_le_bytes()[0]).collect()
}

#[tokio::test]
async fn what_a_program_sends_with_its_request_is_the_beginning_of_its_stream() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let first = pattern(5000);
    let mut program = say(&front, &[&four("far")[..], &first].concat()).await;
    assert_eq!(hear(&mut program).await, GRANTED_4);
    program.write_all(b"more").await.unwrap();
    program.shutdown().await.unwrap();
    let mut far = soon(played.far()).await;
    let mut heard = Vec::new();
    soon(far.stream.read_to_end(&mut heard)).await.unwrap();
    assert!(heard == [&first[..], b"more"].concat());
}

#[tokio::test]
async fn a_program_that_says_all_with_its_request_and_ends_is_served() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let mut program = say(&front, &[&four("slow")[..], b"all"].concat()).await;
    program.shutdown().await.unwrap();
    soon(played.begun()).await;
    // Whatever has come to the port until now is noticed before what comes later.
    connected(&front, "echo").await;
    played.let_through();
    let mut far = soon(played.far()).await;
    let mut heard = Vec::new();
    soon(far.stream.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(heard, b"all");
    far.stream.shutdown().await.unwrap();
    assert_eq!(hear_all(&mut program).await.unwrap(), GRANTED_4);
}

#[tokio::test]
async fn each_side_may_end_first_and_still_hears_the_other() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let much = pattern(1 << 20);

    let mut program = connected(&front, "far").await;
    let mut far = soon(played.far()).await;
    program.write_all(b"question").await.unwrap();
    program.shutdown().await.unwrap();
    let mut question = Vec::new();
    soon(far.stream.read_to_end(&mut question)).await.unwrap();
    assert_eq!(question, b"question");
    let answer = much.clone();
    let answered = tokio::spawn(async move {
        far.stream.write_all(&answer).await.unwrap();
        far.stream.shutdown().await.unwrap();
    });
    assert!(hear_all(&mut program).await.unwrap() == much);
    answered.await.unwrap();

    let mut program = connected(&front, "far").await;
    let mut far = soon(played.far()).await;
    far.stream.write_all(b"banner").await.unwrap();
    far.stream.shutdown().await.unwrap();
    assert_eq!(hear_all(&mut program).await.unwrap(), b"banner");
    let said = tokio::spawn(async move {
        program.write_all(&much).await.unwrap();
        program.shutdown().await.unwrap();
        much
    });
    let mut heard = Vec::new();
    soon(far.stream.read_to_end(&mut heard)).await.unwrap();
    assert!(heard == said.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_go_both_ways_at_once() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let program = connected(&front, "echo").await;
    let much = Arc::new(pattern(10_000_000));
    let (mut read, mut write) = program.into_split();
    let said = Arc::clone(&much);
    tokio::spawn(async move { write.write_all(&said).await });
    let mut heard = Vec::new();
    soon(read.read_to_end(&mut heard)).await.unwrap();
    assert!(heard == *much);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_programs_at_once_are_served() {
    let played = Played::new();
    let front = Arc::new(start(&played, config()).await);
    let mut programs = JoinSet::new();
    for number in 0..200_usize {
        let front = Arc::clone(&front);
        programs.spawn(async move {
            let mut program = connected(&front, "echo").await;
            let message = pattern(10_000 + number);
            let (mut read, mut write) = program.split();
            let mut heard = Vec::new();
            let say = async {
                write.write_all(&message).await.unwrap();
                write.shutdown().await.unwrap();
            };
            let hear = async { soon(read.read_to_end(&mut heard)).await.unwrap() };
            tokio::join!(say, hear);
            assert!(heard == message, "of number {number}");
        });
    }
    while let Some(ended) = programs.join_next().await {
        ended.unwrap();
    }
    assert_eq!(played.seen().len(), 200);
}

#[tokio::test]
async fn a_stream_that_is_reset_resets_the_program() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let mut program = connected(&front, "far").await;
    let mut far = soon(played.far()).await;
    far.stream.write_all(b"half of it").await.unwrap();
    assert_eq!(&hear::<10>(&mut program).await, b"half of it");
    far.reset.cancel();
    let error = hear_all(&mut program).await.expect_err("not an end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_program_that_breaks_off_resets_the_stream() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let mut program = connected(&front, "far").await;
    let mut far = soon(played.far()).await;
    program.write_all(b"half of it").await.unwrap();
    let mut heard = [0; 10];
    soon(far.stream.read_exact(&mut heard)).await.unwrap();
    program.set_zero_linger().unwrap();
    drop(program);
    assert_eq!(soon(played.reset()).await, "the program closed its connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_end_that_reads_nothing_stops_the_program() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let mut program = connected(&front, "far").await;
    let mut far = soon(played.far()).await;
    let much = pattern(64 << 20);
    let (said, written) = (much.clone(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&written);
    tokio::spawn(async move {
        for chunk in said.chunks(64 * 1024) {
            program.write_all(chunk).await.unwrap();
            counter.fetch_add(chunk.len(), Ordering::Relaxed);
        }
        program.shutdown().await.unwrap();
        hear_all(&mut program).await
    });
    let (mut before, mut still) = (0, 0);
    while still < 30 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let now = written.load(Ordering::Relaxed);
        still = if now > 0 && now == before { still + 1 } else { 0 };
        before = now;
    }
    assert!(before < much.len(), "64 MiB went nowhere");
    let mut heard = Vec::new();
    soon(far.stream.read_to_end(&mut heard)).await.unwrap();
    assert!(heard == much);
}
