//! Each way in which monerod answers a submission, from the real one.

use std::time::Duration;

use mixbed_monero::daemon::TxState;
use mixbed_monero::rpc::RpcError;
use mixbed_monero::testing::{corrupt_signature, make_heavier};
use mixbed_monero::{
    Daemon, DaemonError, Flag, MonerodOptions, Outcome, Rejection, TxId, Verdict, submit,
};

use crate::common::{shared, stock, stocked};

const SOON: Duration = Duration::from_secs(20);
const NEW: Verdict = Verdict::Accepted { already_known: false };
const AGAIN: Verdict = Verdict::Accepted { already_known: true };

/// What monerod itself says, and what the submission policy makes of it.
async fn rejected(daemon: &Daemon, raw: &[u8]) -> Rejection {
    let Verdict::Rejected(direct) = daemon.submit(raw).await.unwrap() else {
        panic!("monerod took it");
    };
    let report = submit(daemon, raw, SOON).await;
    let Outcome::Rejected(reported) = report.outcome else { panic!("{report:?}") };
    assert_eq!(direct, reported);
    assert_eq!(report.attempts, 1, "a verdict is final");
    reported
}

#[tokio::test]
async fn a_new_transaction_and_the_same_again() {
    let (stock, mut monerod) = stocked().await;
    let transfer = &stock.transfers[0];
    let deliver = async |daemon: &Daemon| daemon.submit(&transfer.raw).await.unwrap();
    assert_eq!(deliver(monerod.daemon()).await, NEW);
    // 0.18.0.0 says that it had it. 0.18.4.0 passes it on once more, and says no such thing.
    let in_pool = async |daemon: &Daemon| [NEW, AGAIN].contains(&deliver(daemon).await);
    assert!(in_pool(monerod.daemon()).await, "in the pool");
    monerod.restart().await.unwrap();
    assert!(in_pool(monerod.daemon()).await, "in the pool after a restart");
    assert_eq!(monerod.daemon().get_info().await.unwrap().tx_pool_size, 1);
    let ids = [transfer.txid];
    monerod.daemon().mine_until_included(&ids, &stock.address, SOON).await.unwrap();
    assert_eq!(deliver(monerod.daemon()).await, AGAIN, "in a block");
}

#[tokio::test]
async fn eight_copies_at_once_are_all_accepted_and_in_the_pool_once() {
    let (stock, monerod) = stocked().await;
    let copies: Vec<_> = (0..8)
        .map(|_| {
            let (daemon, raw) = (monerod.daemon().clone(), &stock.transfers[0].raw);
            tokio::spawn(async move { submit(&daemon, raw, SOON).await.outcome })
        })
        .collect();
    let mut new = 0;
    for copy in copies {
        match copy.await.unwrap() {
            Outcome::Accepted { already_known, .. } => new += usize::from(!already_known),
            other => panic!("{other:?}"),
        }
    }
    // 0.18.0.0 says to one that it was new. 0.18.4.0 says so to several: it looks before it locks.
    assert!((1..=8).contains(&new), "{new}");
    assert_eq!(monerod.daemon().get_info().await.unwrap().tx_pool_size, 1);
}

#[tokio::test]
async fn a_double_spend_against_the_pool_and_against_the_chain() {
    let (stock, monerod) = stocked().await;
    let daemon = monerod.daemon();
    let [first, second] = &stock.double_spend;
    assert_eq!(daemon.submit(&first.raw).await.unwrap(), NEW);
    assert_eq!(rejected(daemon, &second.raw).await.flags, [Flag::DoubleSpend]);
    daemon.mine_until_included(&[first.txid], &stock.address, SOON).await.unwrap();
    let rejection = rejected(daemon, &second.raw).await;
    assert_eq!(rejection.flags, [Flag::DoubleSpend, Flag::InvalidInput]);
    assert!(rejection.to_string().contains("already spent"), "{rejection}");
    assert_eq!(daemon.transaction(second.txid).await.unwrap(), TxState::Unknown);
}

#[tokio::test]
async fn what_is_not_a_transaction() {
    let (stock, monerod) = stocked().await;
    let daemon = monerod.daemon();
    let whole = &stock.transfers[0].raw;
    let mut longer = whole.clone();
    longer.push(0);
    let cases: [(&str, &[u8]); 5] = [
        ("garbage", b"this is not a transaction"),
        ("empty", b""),
        ("truncated", &whole[..whole.len() - 1]),
        ("half", &whole[..whole.len() / 2]),
        ("a trailing byte", &longer),
    ];
    for (name, raw) in cases {
        assert!(TxId::of(raw).is_err(), "{name}");
        assert_eq!(rejected(daemon, raw).await.flags, [Flag::SanityCheckFailed], "{name}");
    }
    assert_eq!(daemon.submit(whole).await.unwrap(), NEW, "and none of it did any harm");
}

#[tokio::test]
async fn text_that_is_not_hexadecimal() {
    let (stock, daemon) = (stock().await, shared().await);
    let odd = format!("{}0", hex::encode(&stock.transfers[0].raw));
    for text in ["zz", "not hex at all", "0", &odd] {
        let verdict = daemon.submit_hex(text).await.unwrap();
        let Verdict::Rejected(rejection) = verdict else { panic!("{verdict:?}") };
        assert_eq!(rejection.flags, []);
        assert!(rejection.to_string().contains("not valid hexadecimal"), "{rejection}");
    }
}

#[tokio::test]
async fn a_corrupted_signature() {
    let (stock, daemon) = (stock().await, shared().await);
    let spoilt = corrupt_signature(&stock.transfers[0].raw).unwrap();
    assert_ne!(TxId::of(&spoilt).unwrap(), stock.transfers[0].txid);
    let rejection = rejected(&daemon, &spoilt).await;
    assert_eq!(rejection.flags, [Flag::InvalidInput]);
    assert!(rejection.to_string().contains("not valid"), "{rejection}");
}

#[tokio::test]
async fn a_low_fee() {
    let (stock, daemon) = (stock().await, shared().await);
    let cheap = make_heavier(&stock.transfers[0].raw, 1_000).unwrap();
    let rejection = rejected(&daemon, &cheap).await;
    assert_eq!(rejection.flags, [Flag::FeeTooLow]);
    assert_eq!(rejection.to_string(), "the fee is too low");
}

#[tokio::test]
async fn more_weight_than_a_block_takes() {
    let (stock, daemon) = (stock().await, shared().await);
    let heavy = make_heavier(&stock.generous.raw, 148_000).unwrap();
    let rejection = rejected(&daemon, &heavy).await;
    assert_eq!(rejection.flags, [Flag::TooBig]);
    assert_eq!(rejection.to_string(), "it is too big");
}

#[tokio::test]
async fn two_hundred_kilobytes_of_nothing() {
    let daemon = shared().await;
    let rejection = rejected(&daemon, &vec![0x42; 200_000]).await;
    assert_eq!(rejection.flags, [Flag::SanityCheckFailed]);
}

#[tokio::test]
async fn a_body_that_monerod_would_not_answer_is_refused_without_sending() {
    let daemon = shared().await;
    let over = vec![0; mixbed_monero::MAX_RAW_BYTES + 1];
    let report = submit(&daemon, &over, SOON).await;
    let Outcome::Rejected(rejection) = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!((rejection.flags, report.attempts), (vec![Flag::TooBig], 0));
    // One that is just allowed is answered, and one of over a megabyte of body is not.
    let allowed = vec![0; mixbed_monero::MAX_RAW_BYTES];
    assert_eq!(rejected(&daemon, &allowed).await.flags, [Flag::SanityCheckFailed]);
    let error = daemon.submit(&vec![0; 600_000]).await.unwrap_err();
    assert!(matches!(error, DaemonError::Rpc(RpcError::Broken { .. })), "{error:?}");
}

#[tokio::test]
async fn an_unsynchronised_daemon_is_busy_until_the_deadline() {
    let stock = stock().await;
    let options = MonerodOptions { busy: true, ..MonerodOptions::default() };
    let monerod = stock.monerod(options).await.unwrap();
    let daemon = monerod.daemon();
    let raw = &stock.transfers[0].raw;
    assert_eq!(daemon.submit(raw).await.unwrap(), Verdict::Busy);
    let report = submit(daemon, raw, Duration::from_secs(3)).await;
    let Outcome::Unavailable { why } = &report.outcome else { panic!("{report:?}") };
    assert!(why.contains("busy"), "{why}");
    assert!(report.attempts > 1, "{report:?}");
    let error = daemon.generate_blocks(1, &stock.address).await.unwrap_err();
    assert!(matches!(error, DaemonError::Busy { .. }), "{error:?}");
}

#[tokio::test]
async fn a_restricted_listener_serves_submission_and_look_ups() {
    let stock = stock().await;
    let options = MonerodOptions { restricted: true, ..MonerodOptions::default() };
    let monerod = stock.monerod(options).await.unwrap();
    let daemon = monerod.restricted().unwrap().clone();
    let transfer = &stock.transfers[0];
    let report = submit(&daemon, &transfer.raw, SOON).await;
    let txid = Some(transfer.txid);
    assert_eq!(report.outcome, Outcome::Accepted { txid, already_known: false });
    // It is shown there only once it was passed on, a moment after it was accepted.
    let begin = std::time::Instant::now();
    while !daemon.transaction(transfer.txid).await.unwrap().is_known() {
        assert!(begin.elapsed() < 3 * SOON, "never shown");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let many: Vec<TxId> = std::iter::repeat_n(transfer.txid, 250).collect();
    let states = daemon.transactions(&many).await.unwrap();
    assert_eq!(states.len(), 250);
    assert!(states.iter().all(|state| state.is_known()), "{states:?}");
    assert!(daemon.generate_blocks(1, &stock.address).await.is_err());
}
