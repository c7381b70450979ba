//! Something that answers like monerod.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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
