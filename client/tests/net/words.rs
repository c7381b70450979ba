//! One provider's word, and what others make of it.

use std::time::Duration;

use mixbed_client::{BroadcastError, BroadcastOptions};
use serde_json::json;

use crate::monerod::{Chain, forgetful, peer, raw, saying};
use crate::rig::{Rig, Wish};

fn options() -> BroadcastOptions {
    BroadcastOptions { propagation: Duration::from_secs(2), ..BroadcastOptions::default() }
}

async fn rig(monerods: Vec<String>) -> Rig {
    Rig::new(Wish { providers: monerods.len(), monerods, ..Wish::default() }).await
}

async fn rejecting() -> String {
    saying(json!({ "status": "Failed", "double_spend": true })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_rejects_another_takes() {
    let chain = Chain::default();
    let rig =
        rig(vec![rejecting().await, peer(&chain, true).await, peer(&chain, true).await]).await;
    // It is the first one in a third of the tries.
    for _ in 0..8 {
        let report = rig.client.broadcast(&raw(), options()).await.expect("taken by another");
        assert_ne!(report.provider, "provider-0");
    }
    let named = BroadcastOptions { provider: Some("provider-0".to_owned()), ..options() };
    let error = rig.client.broadcast(&raw(), named).await.expect_err("nobody else may say");
    assert!(matches!(error, BroadcastError::Rejected { .. }), "{error}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rejections_are_the_end() {
    let rig = rig(vec![rejecting().await, rejecting().await, rejecting().await]).await;
    let error = rig.client.broadcast(&raw(), options()).await.expect_err("rejected");
    assert!(matches!(error, BroadcastError::Rejected { .. }), "{error}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_word_it_was_is_named_when_it_is_confirmed_later() {
    let chain = Chain::default();
    let rig =
        rig(vec![forgetful().await, peer(&chain, true).await, peer(&chain, true).await]).await;
    let provider = Some("provider-0".to_owned());
    let alone = BroadcastOptions { confirm: false, provider, ..options() };
    let report = rig.client.broadcast(&raw(), alone).await.expect("it says so");
    // It is not asked anew, and judged all the same.
    let options = BroadcastOptions { not: vec!["provider-0".to_owned()], ..options() };
    let report = rig.client.confirm(&raw(), report, options).await.expect("another has it");
    assert!(report.confirmed_by.is_some() && report.provider != "provider-0", "{report:?}");
    assert_eq!(report.found_out.len(), 1, "{report:?}");
    assert_eq!(report.found_out[0].provider, "provider-0");
    assert_eq!(chain.times().len(), 1);
    rig.stop().await;
}
