//! Broadcasts that outlive their client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mixbed_client::{
    BroadcastOptions, BroadcastOrderError, BroadcastState, Broadcasts, JournalBounds, JournalError,
};
use serde_json::json;

use crate::monerod::{TXID, counting, raw, saying};
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
    let record = broadcasts.ended(txid).await.expect("known");
    assert!(record.is_accepted(), "{record:?}");
    assert!(record.report.is_some_and(|report| report.packets_received == 1));
    let locked = open().expect_err("one client a directory");
    assert!(matches!(locked, JournalError::Locked { .. }), "{locked}");
    broadcasts.stop().await;
    drop(broadcasts);
    let again = open().expect("there");
    let [record] = &again.list()[..] else { panic!("one") };
    assert!(record.is_accepted() && record.tries == 1 && record.report.is_none(), "{record:?}");
    assert!(again.ended(txid).await.is_some_and(|record| record.is_accepted()), "at once");
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
    let ended = tokio::time::timeout(3 * SOON, broadcasts.ended(txid)).await.expect("in time");
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
    let deadline = Duration::from_millis(100);
    let options = BroadcastOptions { deadline, provider: nobody, ..BroadcastOptions::default() };
    let txid = broadcasts.order(&raw(), &options).await.expect("written down");
    let record = broadcasts.ended(txid).await.expect("known");
    assert!(matches!(record.state, BroadcastState::Expired { .. }), "{record:?}");
    assert!(record.trouble.is_some_and(|words| words.contains("nobody")));

    let error = broadcasts.order(b"garbage", &long()).await.expect_err("no transaction");
    assert!(matches!(error, BroadcastOrderError::Unreadable(_)), "{error}");
    rig.stop().await;
}
