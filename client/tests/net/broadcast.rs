//! Transactions, and what becomes of them.

use std::collections::BTreeSet;
use std::time::Duration;

use mixbed_client::{BroadcastError, BroadcastOptions};
use mixbed_monero::Flag;
use mixbed_telemetry::SpanRecord;
use serde_json::json;

use crate::monerod::{TXID, raw, saying};
use crate::rig::{Rig, SOON, Wish, undisturbed};

async fn rig(verdict: serde_json::Value) -> Rig {
    let monerod = Some(saying(verdict).await);
    Rig::new(Wish { monerod, ..Wish::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_traced_broadcast_shows_every_hop_there_and_back() {
    let rig = rig(json!({ "status": "OK" })).await;
    let options = BroadcastOptions { traced: true, ..BroadcastOptions::default() };
    let broadcast = async || rig.client.broadcast(&raw(), options.clone()).await.expect("accepted");
    let report = undisturbed(broadcast, |report| report.retransmissions).await;
    assert_eq!((report.txid.to_string().as_str(), report.already_known), (TXID, false));
    assert_eq!((report.packets_sent, report.packets_received, report.retransmissions), (1, 1, 0));
    assert_eq!(report.monerod_attempts, 1);
    let trace = report.trace_id.expect("it was traced");
    let hops = |spans: &[SpanRecord]| spans.iter().filter(|s| s.name.starts_with("hop")).count();
    // Five hops there; back the provider, which holds the answer, four nodes and the client.
    let whole =
        |spans: &[SpanRecord]| hops(spans) == 11 && spans.iter().any(|s| s.name == "broadcast");
    let waited = rig.telemetry.spans().wait_for(trace, whole);
    let spans = tokio::time::timeout(SOON, waited).await.expect("all spans");
    let named =
        |name: &str| spans.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("{name}"));
    let (broadcast, packet) = (named("broadcast"), named("packet"));
    assert_eq!((broadcast.parent, packet.parent), (None, Some(broadcast.span_id)));
    let submit = named("provider submit");
    assert_eq!(submit.parent, Some(packet.span_id));
    assert_eq!(named("monerod").parent, Some(submit.span_id));
    for hop in spans.iter().filter(|s| s.name.starts_with("hop")) {
        assert_eq!(hop.parent, Some(packet.span_id), "{}", hop.name);
    }
    let nodes: BTreeSet<_> = spans.iter().map(|s| s.node.as_str()).collect();
    assert!(
        ["client", "mix-1-0", "mix-2-0", "mix-3-0", "provider-0"].iter().all(|n| nodes.contains(n))
    );
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn already_known_is_delivered() {
    let rig = rig(json!({ "status": "OK", "not_relayed": true })).await;
    let report = rig.client.broadcast(&raw(), BroadcastOptions::default()).await.expect("accepted");
    assert!(report.already_known && report.trace_id.is_none());
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_said_in_words_and_flags() {
    let rig = rig(json!({ "status": "Failed", "double_spend": true, "fee_too_low": true })).await;
    let error =
        rig.client.broadcast(&raw(), BroadcastOptions::default()).await.expect_err("refused");
    let BroadcastError::Rejected { words, flags, provider } = error else { panic!("{error}") };
    assert_eq!(words, "an input is already spent (double spend); the fee is too low");
    assert_eq!(flags, [Flag::DoubleSpend, Flag::FeeTooLow]);
    assert_eq!(provider, "provider-0");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_monerods_to_judge_but_nothing_is_sent_of_nothing() {
    let rig = rig(json!({ "status": "Failed", "sanity_check_failed": true })).await;
    let none = BroadcastOptions::default;
    let error = rig.client.broadcast(b"garbage", none()).await.expect_err("refused");
    assert!(matches!(error, BroadcastError::Rejected { .. }), "{error}");
    let error = rig.client.broadcast(&vec![1; 200_000], none()).await.expect_err("refused");
    assert!(matches!(error, BroadcastError::Rejected { .. }), "{error}");
    let error = rig.client.broadcast(&[], none()).await.expect_err("empty");
    assert!(matches!(error, BroadcastError::Empty), "{error}");
    let error = rig.client.broadcast(&vec![1; 1 << 20], none()).await.expect_err("too large");
    assert!(matches!(error, BroadcastError::TooLarge(_)), "{error}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_provider_is_down_another_one_is_tried() {
    let monerod = Some(saying(json!({ "status": "OK" })).await);
    let mut rig = Rig::new(Wish { monerod, providers: 2, ..Wish::default() }).await;
    rig.net.stop_node("provider-0", Duration::ZERO).await;
    let options = || BroadcastOptions { deadline: SOON, ..BroadcastOptions::default() };
    for _ in 0..3 {
        let report = rig.client.broadcast(&raw(), options()).await.expect("by the other one");
        assert_eq!(report.provider, "provider-1");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_monerod_anywhere_nothing_is_sent() {
    let rig = Rig::new(Wish::default()).await;
    let error =
        rig.client.broadcast(&raw(), BroadcastOptions::default()).await.expect_err("nobody");
    assert_eq!(error.to_string(), "nobody offers monero.submit: no provider of the network does");
    rig.stop().await;
}

/// The provider leaves while it is asked, and comes back: the message to it ends at once, and the
/// broadcast asks again, round after round, until it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_leaves_and_comes_back_is_asked_again() {
    let monerod = Some(saying(json!({ "status": "OK" })).await);
    let mut rig = Rig::new(Wish { monerod, ..Wish::default() }).await;
    // Without a mix in the middle nothing arrives, so that the provider has not answered already.
    rig.net.stop_node("mix-2-0", Duration::ZERO).await;
    let client = rig.client.clone();
    let options = BroadcastOptions { deadline: 3 * SOON, ..BroadcastOptions::default() };
    let broadcast = tokio::spawn(async move { client.broadcast(&raw(), options).await });
    let mut sent = 0;
    while sent == 0 {
        tokio::task::yield_now().await;
        sent = rig.client.readings().sent;
    }
    rig.net.stop_node("provider-0", SOON).await;
    let left = |document: &mixbed_directory::Document| document.providers().next().is_none();
    rig.client.directory().wait_for(SOON, left).await.expect("it has left");
    rig.net.start_node("mix-2-0").await.expect("its port is free");
    rig.net.start_node("provider-0").await.expect("its port is free");
    let report = broadcast.await.expect("no panic").expect("accepted in the end");
    assert_eq!(report.provider, "provider-0");
    rig.stop().await;
}
