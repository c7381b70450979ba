//! The same command as for a local network, from a machine outside the cluster.

use mixbed_e2e::{MIXNET, Place};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::hops;
use crate::jaeger::trace;

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn a_client_on_the_laptop_broadcasts_through_the_cluster() {
    let place = Place::ready("laptop", json!({})).await;

    // A run in the cluster, read from outside.
    place.begin("few", 3, "1/s").await;
    let status = place.all_mined("few", 3).await;
    let report = place.mixbed(&["report", "few", "--json"], SOON).await.ok();
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let reported = report["transactions"].as_array().expect("a list");
    let txids: Vec<_> = status.transactions.iter().map(|t| json!(t.txid)).collect();
    assert_eq!(reported.iter().map(|t| t["txid"].clone()).collect::<Vec<_>>(), txids);

    let said = place.mixbed(&["status"], SOON).await.ok();
    for node in ["gateway-0", "gateway-1", "mix-1-0", "mix-3-1", "provider-0"] {
        assert!(said.contains(&format!("{MIXNET}-{node}")), "{said}");
    }
    let first = &status.transactions[0];
    let id = first.trace_id.as_deref().expect("traced");
    trace(&place, id, hops::is_whole).await;
    let said = place.mixbed(&["trace", &first.txid], SOON).await.ok();
    for hop in ["gateway", "mix-1", "mix-2", "mix-3", "provider"] {
        assert!(said.contains(&format!("{MIXNET}-{hop}")), "{said}");
    }

    // A client here, through the cluster's mixnet. What it sends is known already: any transaction
    // that monerod has serves to show the way.
    let mut connect = Command::new(&place.cluster.mixbed);
    connect
        .args(["connect", "--context", &place.context(), "--namespace", &place.namespace])
        .args(["--mixnet", MIXNET, "--control", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut connect = connect.spawn().expect("mixbed connect");
    let mut lines = BufReader::new(connect.stdout.take().expect("its output")).lines();
    let control = tokio::time::timeout(SOON, async {
        while let Some(line) = lines.next_line().await.expect("a line") {
            if let Some((_, control)) = line.split_once("control at ")
                && line.starts_with("ready:")
            {
                return control.trim().to_owned();
            }
        }
        panic!("mixbed connect ended");
    });
    let control = control.await.expect("it is ready soon");

    let raw = raw_transaction(&place, &first.txid).await;
    let broadcast = ["broadcast", &raw, "--control", &control, "--json"];
    let said = mixbed_e2e::run(&place.cluster.mixbed, broadcast, SOON).await.ok();
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["txid"], json!(first.txid), "{said}");
    connect.start_kill().expect("it runs");

    // The same in one command.
    let said = place.mixbed(&["broadcast", &raw, "--json"], SOON).await.ok();
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["txid"], json!(first.txid), "{said}");
    place.done().await;
}

/// A transaction's bytes in hexadecimal digits, as monerod tells them.
async fn raw_transaction(place: &Place, txid: &str) -> String {
    let path = format!(
        "/api/v1/namespaces/{}/services/{MIXNET}-provider-0:18081/proxy/get_transactions",
        place.namespace
    );
    let body = serde_json::to_vec(&json!({ "txs_hashes": [txid] })).expect("JSON");
    let request = http::Request::post(path).header("content-type", "application/json").body(body);
    let answer: Value =
        place.cluster.client.request(request.expect("a request")).await.expect("monerod answers");
    let raw = answer["txs"][0]["as_hex"].as_str().expect("it has the transaction");
    assert!(!raw.is_empty(), "whole, not pruned");
    raw.to_owned()
}
