//! The submission policy against a daemon that is away, hangs, or comes back.

use std::time::{Duration, Instant};

use mixbed_monero::daemon::TxState;
use mixbed_monero::{Outcome, submit};

use crate::common::{nobody, stock, stocked};

/// How late a busy machine may be; without a deadline it would be for ever.
const LATE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_daemon_that_is_down_is_tried_again_until_the_deadline() {
    let raw = &stock().await.transfers[0].raw;
    let deadline = Duration::from_secs(3);
    let begin = Instant::now();
    let report = submit(&nobody(), raw, deadline).await;
    let Outcome::Unavailable { why } = &report.outcome else { panic!("{report:?}") };
    assert!(why.contains("cannot be connected to"), "{why}");
    assert!(report.attempts >= 2, "{report:?}");
    assert_eq!(report.calls.len(), report.attempts as usize);
    assert!(begin.elapsed() <= deadline + LATE, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_daemon_that_hangs_costs_no_more_than_the_deadline() {
    let (stock, monerod) = stocked().await;
    monerod.pause().unwrap();
    let deadline = Duration::from_secs(3);
    let daemon = monerod.daemon().clone().with_timeout(Duration::from_millis(300));
    let report = submit(&daemon, &stock.transfers[0].raw, deadline).await;
    let Outcome::Unavailable { why } = &report.outcome else { panic!("{report:?}") };
    assert!(why.contains("did not answer"), "{why}");
    assert!(report.attempts >= 2, "{report:?}");
    assert!(report.elapsed <= deadline + LATE, "{report:?}");
}

#[tokio::test]
async fn a_daemon_that_hangs_and_recovers_has_the_transaction_once() {
    let (stock, monerod) = stocked().await;
    let transfer = &stock.transfers[0];
    monerod.pause().unwrap();
    let watch = monerod.daemon().clone().with_timeout(Duration::from_millis(600));
    // Its threads stop one after the other.
    let hangs = async { while watch.get_info().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), hangs).await.expect("it hangs");
    let daemon = monerod.daemon().clone().with_timeout(Duration::from_millis(200));
    let raw = transfer.raw.clone();
    let running = tokio::spawn(async move { submit(&daemon, &raw, Duration::from_secs(20)).await });
    // It recovers after the submission has seen it hang, too.
    assert!(watch.get_info().await.is_err());
    monerod.resume().unwrap();
    let report = running.await.unwrap();
    assert!(matches!(report.outcome, Outcome::Accepted { .. }), "{report:?}");
    assert!(report.attempts >= 2, "{report:?}");
    let state = monerod.daemon().transaction(transfer.txid).await.unwrap();
    assert!(matches!(state, TxState::InPool { .. }), "{state:?}");
}

#[tokio::test]
async fn a_daemon_that_crashes_and_restarts_in_the_middle_accepts() {
    let (stock, mut monerod) = stocked().await;
    let transfer = &stock.transfers[0];
    monerod.kill().unwrap();
    let (daemon, raw) = (monerod.daemon().clone(), transfer.raw.clone());
    let running = tokio::spawn(async move { submit(&daemon, &raw, Duration::from_secs(30)).await });
    monerod.restart().await.unwrap();
    let report = running.await.unwrap();
    let txid = Some(transfer.txid);
    assert_eq!(report.outcome, Outcome::Accepted { txid, already_known: false }, "{report:?}");
    assert!(report.attempts >= 2, "it was away at first: {report:?}");
}

#[tokio::test]
async fn a_report_says_what_happened_when() {
    let (stock, monerod) = stocked().await;
    let report = submit(monerod.daemon(), b"nonsense", Duration::from_secs(10)).await;
    assert_eq!((report.txid, report.attempts, report.calls.len()), (None, 1, 1));
    let report = submit(
        monerod.daemon(),
        &mixbed_monero::testing::corrupt_signature(&stock.transfers[0].raw).unwrap(),
        Duration::from_secs(10),
    )
    .await;
    assert_eq!(report.calls.len(), 2, "handed over, then looked for: {report:?}");
    assert!(report.calls[1].answer.contains("Unknown"), "{report:?}");
    assert!(report.daemon_time() <= report.elapsed);
}
