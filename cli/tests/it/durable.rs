//! A client that is killed with broadcasts under way, and started again.

use std::collections::BTreeMap;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::broadcast::monerod;
use crate::processes::Net;
use crate::support::{Running, SOON, assert_fails, mixbed, run, stdout, wait_for, word_after};

/// By transaction id, how the broadcasts of a client stand.
fn states(control: &str) -> BTreeMap<String, String> {
    let output = run(&["broadcasts", "--json", "--control", control]);
    let list: Value = serde_json::from_str(&stdout(&output)).unwrap_or_default();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let entries = list.as_array().into_iter().flatten();
    entries.map(|entry| (text(entry, "txid"), text(entry, "state"))).collect()
}

#[test]
fn a_client_that_was_killed_ends_its_broadcasts_when_it_is_back() {
    let runtime = Runtime::new().expect("a runtime");
    let (stock, monerod) = monerod(&runtime);
    let before = runtime.block_on(monerod.daemon().get_info()).expect("monerod").tx_count;
    let mut net = Net::start(Some(monerod.url()));
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("client");
    let key = net.authority_key();
    let url = net.directory.clone();
    let client = || {
        let args = ["client", "--directory", &url, "--authority-key", &key];
        let state = ["--control", "127.0.0.1:0", "--state-dir", state.to_str().unwrap()];
        let mut client = Running::start(&[&args[..], &state].concat());
        let control = word_after(&client.line("ready: "), "control at ");
        (client, control)
    };

    // Its journal is for this client alone, and a broadcast that ended is in it.
    let (first, control) = client();
    let done = &stock.transfers[0];
    let output = run(&["broadcast", &hex::encode(&done.raw), "--json", "--control", &control]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let reply: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(reply["outcome"], "accepted", "{reply}");
    assert!(reply["packets"]["sent"].as_u64() >= Some(1), "{reply}");
    assert_eq!(states(&net.control), BTreeMap::new(), "the other client has nothing to do");
    let none = run(&["broadcasts", "--control", &net.control, &done.txid.to_string()]);
    assert_fails(&none, 1, &["no broadcast of", "mixbed broadcasts"]);

    // The only mix of layer 2 is killed: nothing more gets through.
    net.nodes.remove(2).signal(Signal::KILL);
    let raw = hex::encode(&stock.transfers[4].raw);
    let args = ["broadcast", &raw, "--deadline", "300s", "--control", &control];
    let mut interrupted = Running::start(&args);
    let txid = stock.transfers[4].txid.to_string();
    let taken = wait_for(SOON, || states(&control).contains_key(&txid).then_some(()));
    taken.expect("it is written down");
    interrupted.signal(Signal::INT);
    let (exit, words) = interrupted.wait(SOON);
    assert_eq!(exit.code(), Some(130), "{words}");
    assert!(words.contains(&format!("goes on with it: mixbed broadcasts {txid}")), "{words}");

    let mut waiting: Vec<_> = stock.transfers[1..4]
        .iter()
        .map(|transfer| {
            let raw = hex::encode(&transfer.raw);
            let args = ["broadcast", &raw, "--deadline", "300s", "--control", &control];
            mixbed(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
        })
        .collect();
    let pending = wait_for(SOON, || {
        let states = states(&control);
        (states.values().filter(|state| *state == "pending").count() == 4).then_some(states)
    });
    let all = pending.expect("all are written down");
    assert_eq!(all[&done.txid.to_string()], "accepted");
    first.signal(Signal::KILL);
    drop(first);
    for asked in &mut waiting {
        assert_eq!(asked.wait().expect("it ends").code(), Some(1), "no false success");
    }

    net.nodes.push(net.node(&["--role", "mix", "--layer", "2", "--name", "mix-2-1"]));
    net.nodes.last_mut().expect("just started").line("ready: ");
    let (second, control) = client();
    let ended = wait_for(4 * SOON, || {
        let states = states(&control);
        states.values().all(|state| state == "accepted").then_some(states)
    });
    let ended = ended.unwrap_or_else(|| panic!("{:?}", states(&control)));
    assert_eq!(ended.keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>());

    let txids: Vec<_> = stock.transfers[..5].iter().map(|transfer| transfer.txid).collect();
    let after = runtime.block_on(async {
        let daemon = monerod.daemon();
        daemon.mine_until_included(&txids, &stock.address, 2 * SOON).await.expect("mined");
        daemon.get_info().await.expect("monerod")
    });
    assert_eq!((after.tx_count - before, after.tx_pool_size), (5, 0), "each of them once");
    second.stop();
    net.stop();
}
