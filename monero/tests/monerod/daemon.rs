//! The daemon's client: against the real one, and against hostile ones.

use std::time::Duration;

use mixbed_monero::daemon::TxState;
use mixbed_monero::rpc::{MAX_ANSWER_BYTES, RpcError};
use mixbed_monero::{Daemon, DaemonError, Flag, Outcome, Rejection, TxId, submit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::common::{nobody, shared, stock, stocked};

/// A server that takes a request and answers with `head`, then with `body` for ever.
async fn hostile(head: &'static str, body: Option<&'static [u8]>) -> Daemon {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let daemon = Daemon::new(&listener.local_addr().unwrap().to_string()).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(head.as_bytes()).await;
                while let Some(more) = body {
                    if stream.write_all(more).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    daemon.with_timeout(Duration::from_secs(5))
}

async fn outcome(daemon: &Daemon) -> Outcome {
    submit(daemon, b"anything", Duration::from_millis(500)).await.outcome
}

#[tokio::test]
async fn the_daemon_says_what_it_is() {
    let info = shared().await.get_info().await.unwrap();
    assert_eq!((info.status.as_str(), info.nettype.as_str()), ("OK", "fakechain"));
    assert!(info.height > 120 && info.synchronized && !info.offline, "{info:?}");
}

#[tokio::test]
async fn a_transaction_is_unknown_then_in_the_pool_then_in_a_block() {
    let (stock, monerod) = stocked().await;
    let daemon = monerod.daemon();
    let [first, second] = &stock.transfers[..2] else { unreachable!() };
    let ids = [first.txid, second.txid];
    assert_eq!(daemon.transactions(&ids).await.unwrap(), [TxState::Unknown; 2]);
    daemon.submit(&second.raw).await.unwrap();
    let states = daemon.transactions(&ids).await.unwrap();
    assert!(matches!(states[..], [TxState::Unknown, TxState::InPool { .. }]), "{states:?}");
    let soon = Duration::from_secs(20);
    daemon.mine_until_included(&[second.txid], &stock.address, soon).await.unwrap();
    daemon.generate_blocks(2, &stock.address).await.unwrap();
    let TxState::Mined { height, confirmations } = daemon.transaction(ids[1]).await.unwrap() else {
        panic!("not mined");
    };
    let info = daemon.get_info().await.unwrap();
    assert!(confirmations >= 3, "{confirmations}");
    assert_eq!(height + confirmations, info.height);
}

#[tokio::test]
async fn mining_for_a_transaction_that_nobody_has_gives_up() {
    let (stock, monerod) = stocked().await;
    let absent = [TxId::from([7; 32])];
    let brief = Duration::from_millis(1);
    let error = monerod.daemon().mine_until_included(&absent, &stock.address, brief).await;
    assert!(matches!(error, Err(DaemonError::NotMined { missing: 1, .. })), "{error:?}");
}

#[tokio::test]
async fn a_wrong_address_to_mine_to_is_the_daemons_to_refuse() {
    let error = shared().await.generate_blocks(1, "nobody").await.unwrap_err();
    assert!(error.to_string().contains("parse wallet address"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn nobody_there_says_so_and_may_come_back() {
    let error = nobody().get_info().await.unwrap_err();
    assert!(matches!(error, DaemonError::Rpc(RpcError::Connect { .. })), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
    let daemon = hostile(head, Some(&[b' '; 16_384])).await;
    let error = daemon.get_info().await.unwrap_err();
    let limit = MAX_ANSWER_BYTES;
    assert!(
        matches!(&error, DaemonError::Rpc(RpcError::TooLarge { limit: l, .. }) if *l == limit),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_no_monerod_is_unavailable_at_once() {
    let heads = [
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"status\":\"MAYBE\"}",
        "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":[[[]]",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ];
    for head in heads {
        let report = submit(&hostile(head, None).await, b"x", Duration::from_secs(5)).await;
        assert!(matches!(report.outcome, Outcome::Unavailable { .. }), "{head}: {report:?}");
        assert_eq!(report.attempts, 1, "{head}: {report:?}");
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_is_unavailable() {
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"status\"", "SSH-2.0-x\r\n"] {
        let outcome = outcome(&hostile(head, None).await).await;
        assert!(matches!(outcome, Outcome::Unavailable { .. }), "{head}: {outcome:?}");
    }
}

/// A server that refuses every submission, and answers every look-up with `known`.
async fn refusing(known: String) -> Daemon {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let daemon = Daemon::new(&listener.local_addr().unwrap().to_string()).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 65_536];
            let length = stream.read(&mut request).await.unwrap();
            let look_up = request[..length].starts_with(b"POST /get_transactions");
            let refusal = r#"{"status":"Failed","double_spend":true}"#.to_owned();
            let body = if look_up { known.clone() } else { refusal };
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all((head + &body).as_bytes()).await.unwrap();
        }
    });
    daemon
}

#[tokio::test]
async fn a_refused_transaction_that_the_daemon_has_all_the_same_is_accepted() {
    let transfer = &stock().await.transfers[0];
    let soon = Duration::from_secs(10);
    let entry = |id: TxId| {
        format!(
            r#"{{"status":"OK","txs":[{{"tx_hash":"{id}","in_pool":false,"block_height":3}}]}}"#
        )
    };
    let report = submit(&refusing(entry(transfer.txid)).await, &transfer.raw, soon).await;
    let txid = Some(transfer.txid);
    assert_eq!(report.outcome, Outcome::Accepted { txid, already_known: true });
    // That it has another one proves nothing.
    let other = entry(TxId::from([1; 32]));
    let report = submit(&refusing(other).await, &transfer.raw, soon).await;
    assert_eq!(report.outcome, Outcome::Rejected(Rejection::of(Flag::DoubleSpend)));
}

#[tokio::test]
async fn a_refusal_that_cannot_be_checked_is_not_reported_as_one() {
    let transfer = &stock().await.transfers[0];
    let daemon = refusing("not JSON".to_owned()).await;
    let report = submit(&daemon, &transfer.raw, Duration::from_secs(10)).await;
    let Outcome::Unavailable { why } = &report.outcome else { panic!("{report:?}") };
    assert!(why.contains("double spend") && why.contains("could not be asked"), "{why}");
}
