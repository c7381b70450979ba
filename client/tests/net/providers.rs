//! Providers that keep their word, and others.

use std::time::{Duration, Instant};

use mixbed_client::{BroadcastError, BroadcastOptions, Promise};

use crate::monerod::{Chain, TXID, forgetful, peer, raw};
use crate::rig::{Rig, Wish};

/// Monerods that answer at once need little time to hear of each other's transactions: most of it is
/// for the machine.
fn options() -> BroadcastOptions {
    BroadcastOptions { propagation: Duration::from_secs(2), ..BroadcastOptions::default() }
}

async fn rig(monerods: Vec<String>) -> Rig {
    Rig::new(Wish { providers: monerods.len(), monerods, ..Wish::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_rests_on_two_words() {
    let chain = Chain::default();
    let rig = rig(vec![peer(&chain, true).await, peer(&chain, true).await]).await;
    let report = rig.client.broadcast(&raw(), options()).await.expect("accepted");
    let other = report.confirmed_by.expect("by the other one");
    assert_ne!(other, report.provider);
    assert_eq!((report.found_out, rig.client.suspects()), (vec![], vec![]));
    let alone = BroadcastOptions { confirm: false, ..options() };
    let report = rig.client.broadcast(&raw(), alone).await.expect("accepted");
    assert_eq!(report.confirmed_by, None);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_ok_and_does_nothing_is_named_and_the_next_one_does_it() {
    let chain = Chain::default();
    let monerods = vec![forgetful().await, peer(&chain, false).await, peer(&chain, false).await];
    let rig = rig(monerods).await;
    let report = rig.client.broadcast(&raw(), options()).await.expect("accepted by another");
    assert_ne!(report.provider, "provider-0");
    let other = report.confirmed_by.expect("by the third one");
    assert!(other != report.provider && other != "provider-0", "{other}");
    let [suspect] = &rig.client.suspects()[..] else { panic!("one") };
    assert_eq!((suspect.provider.as_str(), suspect.promise), ("provider-0", Promise::Accepted));
    assert_eq!(report.found_out, std::slice::from_ref(suspect));
    let words = suspect.to_string();
    assert!(words.contains(TXID) && words.contains(&suspect.denied_by), "{words}");
    assert_eq!(chain.times().len(), 1);
    // It is asked last from now on.
    for _ in 0..5 {
        let report = rig.client.broadcast(&raw(), options()).await.expect("accepted");
        assert_ne!(report.provider, "provider-0");
        assert_eq!(report.found_out, []);
    }
    let metrics = rig.telemetry.metrics_text();
    let counted = metrics.lines().find(|line| line.contains("client_broken_words"));
    assert!(metrics.contains("provider=\"provider-0\""), "{counted:?}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anybody_else_to_give_it_to_it_is_no_success() {
    let chain = Chain::default();
    let rig = rig(vec![forgetful().await, peer(&chain, true).await]).await;
    let provider = Some("provider-0".to_owned());
    let options = BroadcastOptions { provider, ..options() };
    let error = rig.client.broadcast(&raw(), options).await.expect_err("nobody has it");
    let BroadcastError::Unconfirmed { provider, denied_by, .. } = error else { panic!("{error}") };
    assert_eq!((provider.as_str(), denied_by.as_str()), ("provider-0", "provider-1"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_waits_is_handed_in_when_its_time_has_come() {
    let chain = Chain::default();
    let rig = rig(vec![peer(&chain, true).await, peer(&chain, true).await]).await;
    let random_wait = Some(Duration::from_millis(500));
    let began = Instant::now();
    let options = BroadcastOptions { random_wait, ..options() };
    let report = rig.client.broadcast(&raw(), options).await.expect("accepted");
    let held = report.held.expect("it waited");
    let submitted = chain.times();
    assert!(submitted[0] - began >= held, "{held:?}");
    assert!(report.confirmed_by.is_some_and(|other| other != report.provider));
    assert_eq!(submitted.len(), 1);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_holds_and_forgets_is_handed_in_by_another_one() {
    let chain = Chain::default();
    let rig = rig(vec![forgetful().await, peer(&chain, false).await]).await;
    let random_wait = Some(Duration::from_millis(100));
    let options = BroadcastOptions { random_wait, ..options() };
    let report = rig.client.broadcast(&raw(), options).await.expect("accepted");
    assert_eq!(report.provider, "provider-1");
    let [suspect] = &report.found_out[..] else { panic!("one: {report:?}") };
    assert_eq!((suspect.provider.as_str(), suspect.promise), ("provider-0", Promise::Held));
    assert_eq!(chain.times().len(), 1);
    rig.stop().await;
}

/// One provider has nobody who could confirm it, and its own second word ends the wait.
#[tokio::test(flavor = "multi_thread")]
async fn with_one_provider_a_wait_ends_with_its_own_word() {
    let chain = Chain::default();
    let rig = rig(vec![peer(&chain, true).await]).await;
    let random_wait = Some(Duration::from_millis(50));
    let options = BroadcastOptions { random_wait, ..options() };
    let report = rig.client.broadcast(&raw(), options).await.expect("accepted");
    assert!(report.held.is_some() && report.confirmed_by.is_none(), "{report:?}");
    rig.stop().await;
}
