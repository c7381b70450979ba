//! A whole network with money: what is sent is mined, a wallet gets some, and what a wallet submits has
//! a way to look at.

use std::time::Duration;

use mixbed_monero::Wallet;
use mixbed_monero::rpc::Endpoint;
use mixbed_monero::wallet::{Destination, Priority};
use serde_json::{Value, json};

use crate::support::{Running, run, stderr, stdout};

const XMR: u64 = 1_000_000_000_000;

/// A wallet's proofs, or a hundred blocks, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(180);

fn json(output: &std::process::Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_mined_and_a_wallets_transactions_have_a_way() {
    let any = "127.0.0.1:0";
    let rpc = format!("--monero-rpc={any}");
    let mut up = Running::start(&["up", "--wallet", "--json", "--control", any, &rpc]);
    let places: Value = serde_json::from_str(&up.line_within(PATIENCE, "{")).unwrap();
    let place = |name: &str| places[name].as_str().unwrap_or_else(|| panic!("{name}: {places}"));
    let at = ["--control", place("control")];

    let url = place("wallet").strip_suffix("/json_rpc").expect("a wallet's RPC");
    let wallet = Wallet::new(url).unwrap().with_timeout(PATIENCE);
    let to = Destination { address: place("wallet_address").to_owned(), amount: XMR };
    let made = wallet.transfer(std::slice::from_ref(&to), Priority::Default, true).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tx");
    std::fs::write(&file, &made.raw).unwrap();
    let file = file.to_str().unwrap();
    let sent = run(&[&["broadcast", file, "--wait", "mined", "--json"], &at[..]].concat());
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    assert_eq!(json(&sent)["outcome"], "mined");

    // Where it takes orders is told: the usual place may be another's.
    let money = ["fund", &to.address, "--outputs", "2", "--miner", place("miner"), "--json"];
    let money = run(&money);
    assert_eq!(json(&money)["outputs"], 2, "{}", stderr(&money));

    wallet.refresh().await.unwrap();
    let made = wallet.transfer(&[to], Priority::Default, true).await.unwrap();
    let endpoint = Endpoint::new(place("rpc")).unwrap().with_timeout(PATIENCE);
    let body = json!({ "tx_as_hex": hex::encode(&made.raw), "do_not_relay": false });
    let said: Value = endpoint.post("/sendrawtransaction", &body).await.unwrap();
    assert_eq!(said["status"], "OK", "{said}");
    let trace = run(&[&["trace", &made.txid.to_string()], &at[..]].concat());
    assert_eq!(trace.status.code(), Some(0), "{}", stderr(&trace));
    let way = stdout(&trace);
    assert!(way.contains("gateway-") && way.contains("provider-") && way.contains("back"), "{way}");
    up.stop();
}
