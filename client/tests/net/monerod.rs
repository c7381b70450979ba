//! Something that answers like monerod.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Json;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Block 0's only transaction: any bytes that are one will do.
pub(crate) const RAW: &str = "013c01ff0001ffffffffffff03029b2e4c0281c0b02e7c53291a94d1d0cbff8883f8\
    024f5142ee494ffbbd08807121017767aafcde9be00dcfd098715ebcf7f410daebc582fda69d24a28e9d0bc890d1";
pub(crate) const TXID: &str = "c88ce9783b4f11190d7b9c17a69c1c52200f9faaee8e98dd07e6811175177139";

pub(crate) fn raw() -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&RAW[at..at + 2], 16).expect("digits");
    (0..RAW.len()).step_by(2).map(digit).collect()
}

/// Answers each submission with `verdict`, and knows no transaction; returns its URL.
pub(crate) async fn saying(verdict: Value) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    let unknown = json!({ "status": "OK", "missed_tx": [TXID] });
    let router = axum::Router::new()
        .route("/send_raw_transaction", post(async move || Json(verdict.clone())))
        .route("/get_transactions", post(async move || Json(unknown.clone())));
    tokio::spawn(async move { axum::serve(socket, router).await });
    url
}

/// Takes every submission, and counts them.
pub(crate) async fn counting(asked: Arc<AtomicU32>) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    let taken = async move || {
        asked.fetch_add(1, Ordering::SeqCst);
        Json(json!({ "status": "OK" }))
    };
    let router = axum::Router::new().route("/send_raw_transaction", post(taken));
    tokio::spawn(async move { axum::serve(socket, router).await });
    url
}

/// What monerods that are peers know of the one transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// When it was handed in.
    pub(crate) submitted: Arc<Mutex<Vec<Instant>>>,
    /// The height of its block.
    pub(crate) mined: Arc<Mutex<Option<u64>>>,
}

impl Chain {
    pub(crate) fn times(&self) -> Vec<Instant> {
        self.submitted.lock().expect("whole").clone()
    }

    fn state(&self) -> Value {
        let mined = *self.mined.lock().expect("whole");
        match (mined, self.times().is_empty()) {
            (Some(height), _) => json!({ "status": "OK", "txs": [
                { "tx_hash": TXID, "in_pool": false, "block_height": height, "confirmations": 3 }
            ] }),
            (None, false) => json!({ "status": "OK", "txs": [
                { "tx_hash": TXID, "in_pool": true, "relayed": true }
            ] }),
            (None, true) => json!({ "status": "OK", "missed_tx": [TXID] }),
        }
    }
}

/// One of the monerods of a chain. One that is not `ready` works, and says that it has not all
/// blocks yet: clients prefer others.
pub(crate) async fn peer(chain: &Chain, ready: bool) -> String {
    let (taking, asked) = (chain.clone(), chain.clone());
    let take = async move || {
        let mut submitted = taking.submitted.lock().expect("whole");
        submitted.push(Instant::now());
        Json(json!({ "status": "OK", "not_relayed": submitted.len() > 1 }))
    };
    let info = json!({ "status": "OK", "synchronized": ready, "height": 7, "target_height": 9 });
    let router = axum::Router::new()
        .route("/send_raw_transaction", post(take))
        .route("/get_transactions", post(async move || Json(asked.state())))
        .route("/get_info", post(async move || Json(info.clone())));
    serve(router).await
}

/// Says OK to everything, and forgets it.
pub(crate) async fn forgetful() -> String {
    let info = json!({ "status": "OK", "synchronized": true });
    let router = axum::Router::new()
        .route("/send_raw_transaction", post(async || Json(json!({ "status": "OK" }))))
        .route("/get_transactions", post(async || Json(Chain::default().state())))
        .route("/get_info", post(async move || Json(info.clone())));
    serve(router).await
}

async fn serve(router: axum::Router) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(socket, router).await });
    url
}
