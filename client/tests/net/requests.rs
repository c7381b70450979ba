//! Requests and their answers.

use std::time::Duration;

use mixbed_client::{RequestError, RequestOptions};

use crate::rig::{Rig, SOON, Wish, undisturbed};

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_comes_back_in_one_packet_each_way() {
    let rig = Rig::new(Wish::default()).await;
    let ask = async || rig.client.request("echo", b"hello", Duration::MAX).await.expect("answered");
    let answer = undisturbed(ask, |answer| answer.retransmissions).await;
    assert_eq!((answer.data.as_slice(), answer.provider.as_str()), (&b"hello"[..], "provider-0"));
    assert_eq!((answer.packets_sent, answer.packets_received), (1, 1));
    assert!(answer.mixing_delay <= answer.elapsed);
    assert_eq!(answer.trace_id, None);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_and_many_at_a_time_come_back() {
    let rig = Rig::new(Wish::default()).await;
    let ask = |size: u32| {
        let client = rig.client.clone();
        tokio::spawn(async move {
            let sent: Vec<u8> = (0..size).map(|i| i.to_be_bytes()[3]).collect();
            let answer = client.request("echo", &sent, 3 * SOON).await.expect("answered");
            assert!(answer.data == sent, "{size} bytes");
        })
    };
    let asked: Vec<_> = [140_000, 27_867, 1, 2166, 0, 5000, 60_000].into_iter().map(ask).collect();
    for asked in asked {
        asked.await.expect("answered");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_is_wrong() {
    let rig = Rig::new(Wish { tracing_allowed: false, ..Wish::default() }).await;
    let error = rig.client.request("ecko", b"", SOON).await.expect_err("misspelt");
    assert_eq!(error.to_string(), "nobody offers ecko: no provider of the network does",);
    let options =
        RequestOptions { provider: Some("provider-7".to_owned()), ..RequestOptions::default() };
    let error = rig.client.request_with("echo", b"", &options).await.expect_err("misspelt");
    assert_eq!(
        error.to_string(),
        "the network has no provider provider-7 that offers echo; it is offered by provider-0",
    );
    let options = RequestOptions { traced: true, ..RequestOptions::default() };
    let error = rig.client.request_with("echo", b"", &options).await.expect_err("not allowed");
    assert!(matches!(error, RequestError::TracingNotAllowed), "{error}");
    let error = rig.client.request("echo", &vec![0; 1 << 20], SOON).await.expect_err("too large");
    assert!(matches!(error, RequestError::Invalid(_)), "{error}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_a_passed_deadline_and_names_what_was_tried() {
    let mut rig = Rig::new(Wish::default()).await;
    rig.net.stop_node("provider-0", Duration::ZERO).await;
    let limit = Duration::from_secs(2);
    match rig.client.request("echo", b"hello", limit).await {
        Err(RequestError::DeadlinePassed { provider, deadline, tried }) => {
            assert_eq!((provider.as_str(), deadline), ("provider-0", limit));
            assert!(tried.packets_sent >= 1 && tried.packets_received == 0, "{tried}");
        }
        // The directory may have heard of it already.
        Err(RequestError::NoProvider { .. } | RequestError::NotReady(_)) => {}
        other => panic!("{other:?}"),
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_waits_for_is_forgotten() {
    let rig = Rig::new(Wish::default()).await;
    for _ in 0..200 {
        // More than may be under way at a time, if they were not forgotten.
        let request = rig.client.request("echo", b"x", SOON);
        let _ = tokio::time::timeout(Duration::from_micros(100), request).await;
    }
    rig.client.request("echo", b"hello", SOON).await.expect("there is room");
    rig.stop().await;
}
