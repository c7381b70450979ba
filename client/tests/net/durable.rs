//! Broadcasts that outlive their client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mixbed_client::{
    BroadcastOptions, BroadcastOrderError, BroadcastRecord, BroadcastState, Broadcasts,
    JournalBounds, JournalError,
};
use serde_json::json;

use crate::monerod::{Chain, TXID, counting, forgetful, peer, raw, saying};
use crate::rig::{Rig, SOON, Wish, client};

fn long() -> BroadcastOptions {
    BroadcastOptions { deadline: Duration::from_secs(600), ..BroadcastOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_is_remembered_with_its_end() {
    let monerod = Some(saying(json!({ "status": "OK" })).await);
    let rig = Rig::new(Wish { monerod, ..Wish::default() }).await;
    let dir = tempfile::tempdir().expect("a directory");
    let open = || Broadcasts::open(rig.client.clone(), dir.path(), JournalBounds::default());
    let broadcasts = open().expect("new");
    let txid = broadcasts.order(&raw(), &long()).await.expect("written down");
    assert_eq!(txid.to_string(), TXID);
    let record = broadcasts.settled(txid).await.expect("known");
    assert!(record.is_accepted(), "{record:?}");
    assert!(record.report.is_some_and(|report| report.packets_received == 1));
    let locked = open().expect_err("one client a directory");
    assert!(matches!(locked, JournalError::Locked { .. }), "{locked}");
    broadcasts.stop().await;
    drop(broadcasts);
    let again = open().expect("there");
    let [record] = &again.list()[..] else { panic!("one") };
    assert!(record.is_accepted() && record.tries == 1 && record.report.is_none(), "{record:?}");
    assert!(again.settled(txid).await.is_some_and(|record| record.is_accepted()), "at once");
    rig.stop().await;
}

/// The client is dropped as a kill would: no packet of the first one's is answered, as a mix is
/// away; the second one has its directory.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_client_began_the_next_one_ends_and_monerod_hears_of_it_once() {
    let asked = Arc::new(AtomicU32::new(0));
    let monerod = Some(counting(Arc::clone(&asked)).await);
    let mut rig = Rig::new(Wish { monerod, ..Wish::default() }).await;
    let dir = tempfile::tempdir().expect("a directory");
    rig.net.stop_node("mix-2-0", Duration::ZERO).await;
    let first = client(&rig.net, &rig.telemetry, None);
    let broadcasts = Broadcasts::open(first.clone(), dir.path(), JournalBounds::default());
    let broadcasts = broadcasts.expect("new");
    let txid = broadcasts.order(&raw(), &long()).await.expect("written down");
    assert_eq!(broadcasts.order(&raw(), &long()).await.expect("the same"), txid);
    while first.readings().sent == 0 {
        tokio::task::yield_now().await;
    }
    drop((broadcasts, first));

    let second = client(&rig.net, &rig.telemetry, None);
    // The file is free when the last task of the first one has ended.
    let open = || Broadcasts::open(second.clone(), dir.path(), JournalBounds::default());
    let broadcasts = loop {
        match open() {
            Err(JournalError::Locked { .. }) => tokio::task::yield_now().await,
            opened => break opened.expect("there"),
        }
    };
    let [record] = &broadcasts.list()[..] else { panic!("one") };
    assert_eq!((record.txid, &record.state), (txid, &BroadcastState::Pending));
    rig.net.start_node("mix-2-0").await.expect("its port is free");
    let ended = tokio::time::timeout(3 * SOON, broadcasts.settled(txid)).await.expect("in time");
    let record = ended.expect("known");
    assert!(record.is_accepted(), "{record:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "handed to monerod once");
    second.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_a_deadline_end_it() {
    let verdict = json!({ "status": "Failed", "fee_too_low": true });
    let rig = Rig::new(Wish { monerod: Some(saying(verdict).await), ..Wish::default() }).await;
    let dir = tempfile::tempdir().expect("a directory");
    let broadcasts = Broadcasts::open(rig.client.clone(), dir.path(), JournalBounds::default());
    let broadcasts = broadcasts.expect("new");
    let txid = broadcasts.order(&raw(), &long()).await.expect("written down");
    let record = broadcasts.ended(txid).await.expect("known");
    let BroadcastState::Rejected { words, provider, .. } = record.state else {
        panic!("{record:?}")
    };
    assert_eq!((words.as_str(), provider.as_str()), ("the fee is too low", "provider-0"));

    let nobody = Some("nobody".to_owned());
    // Over before the second try, and not before the first one has failed.
    let deadline = Duration::from_millis(900);
    let options = BroadcastOptions { deadline, provider: nobody, ..BroadcastOptions::default() };
    let txid = broadcasts.order(&raw(), &options).await.expect("written down");
    let record = broadcasts.ended(txid).await.expect("known");
    assert!(matches!(record.state, BroadcastState::Expired { .. }), "{record:?}");
    assert!(record.trouble.is_some_and(|words| words.contains("nobody")));

    let error = broadcasts.order(b"garbage", &long()).await.expect_err("no transaction");
    assert!(matches!(error, BroadcastOrderError::Unreadable(_)), "{error}");
    rig.stop().await;
}

fn quick() -> BroadcastOptions {
    BroadcastOptions { propagation: Duration::from_millis(200), ..long() }
}

/// The client is stopped when the transaction is accepted, and the next one sees it mined.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_ends_in_a_block_by_anothers_word_and_after_a_restart() {
    let chain = Chain::default();
    let monerods = vec![peer(&chain, true).await, peer(&chain, true).await];
    let rig = Rig::new(Wish { providers: 2, monerods, ..Wish::default() }).await;
    let dir = tempfile::tempdir().expect("a directory");
    let open = || Broadcasts::open(rig.client.clone(), dir.path(), JournalBounds::default());
    let broadcasts = open().expect("new");
    let txid = broadcasts.order(&raw(), &quick()).await.expect("written down");
    let mut watched = broadcasts.watch(txid).expect("known");
    let confirmed = |record: &BroadcastRecord| {
        matches!(record.state, BroadcastState::Accepted { confirmed_by: Some(_), .. })
    };
    tokio::time::timeout(SOON, watched.wait_for(confirmed)).await.expect("soon").expect("goes on");
    broadcasts.stop().await;
    drop((broadcasts, watched));

    *chain.mined.lock().expect("whole") = Some(77);
    let broadcasts = open().expect("there");
    let ended = tokio::time::timeout(3 * SOON, broadcasts.ended(txid)).await.expect("in time");
    let record = ended.expect("known");
    let BroadcastState::Mined { provider, by, height: 77, confirmations: 3, .. } = record.state
    else {
        panic!("{record:?}")
    };
    assert_ne!(provider, by);
    assert_eq!(chain.times().len(), 1, "handed to monerod once");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_is_found_out_later_too_and_the_transaction_gets_through() {
    let chain = Chain::default();
    let monerods = vec![forgetful().await, peer(&chain, false).await];
    let rig = Rig::new(Wish { providers: 2, monerods, ..Wish::default() }).await;
    let broadcasts = Broadcasts::in_memory(rig.client.clone(), JournalBounds::default());
    let broadcasts = broadcasts.expect("memory");
    let txid = broadcasts.order(&raw(), &quick()).await.expect("taken");
    let mut watched = broadcasts.watch(txid).expect("known");
    let by_the_other = |record: &BroadcastRecord| matches!(&record.state, BroadcastState::Accepted { provider, .. } if provider == "provider-1");
    let record = tokio::time::timeout(2 * SOON, watched.wait_for(by_the_other)).await;
    let record = record.expect("in time").expect("goes on").clone();
    assert_eq!(record.found_out, ["provider-0"]);
    assert_eq!(rig.client.suspects().len(), 1);
    assert_eq!(chain.times().len(), 1);
    *chain.mined.lock().expect("whole") = Some(77);
    let ended = tokio::time::timeout(3 * SOON, broadcasts.ended(txid)).await.expect("in time");
    // There is nobody else to ask than the one that has it: the other's word is worth nothing.
    let record = ended.expect("known");
    let BroadcastState::Mined { by, .. } = &record.state else { panic!("{record:?}") };
    assert_eq!(by, "provider-1");
    rig.stop().await;
}

/// The provider that holds it is killed: nobody hears of it, and another one gets it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_by_a_provider_that_is_killed_is_sent_to_another() {
    let chain = Chain::default();
    let monerods = vec![peer(&chain, true).await, peer(&chain, false).await];
    let mut rig = Rig::new(Wish { providers: 2, monerods, ..Wish::default() }).await;
    let broadcasts = Broadcasts::in_memory(rig.client.clone(), JournalBounds::default());
    let broadcasts = broadcasts.expect("memory");
    let options = BroadcastOptions { random_wait: Some(Duration::from_secs(3)), ..quick() };
    let txid = broadcasts.order(&raw(), &options).await.expect("taken");
    let mut watched = broadcasts.watch(txid).expect("known");
    let held = |record: &BroadcastRecord| matches!(record.state, BroadcastState::Held { .. });
    tokio::time::timeout(SOON, watched.wait_for(held)).await.expect("soon").expect("goes on");
    if chain.times().is_empty() {
        rig.net.stop_node("provider-0", Duration::ZERO).await;
    }
    let record = tokio::time::timeout(3 * SOON, broadcasts.settled(txid)).await.expect("in time");
    let record = record.expect("known");
    assert!(record.is_accepted(), "{record:?}");
    if record.found_out == ["provider-0"] {
        let BroadcastState::Accepted { provider, .. } = &record.state else { panic!("{record:?}") };
        assert_eq!(provider, "provider-1");
    }
    assert_eq!(chain.times().len(), 1);
    rig.stop().await;
}
