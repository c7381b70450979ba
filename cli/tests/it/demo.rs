//! The demo, and that nothing of it stays behind.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::children::{Process, assert_gone, children};
use crate::support::{Running, SOON, assert_fails, mixbed, wait_for};

/// The demo takes 20 s on an idle machine with an optimised build.
const LONG: Duration = Duration::from_secs(180);

const HOPS_THERE: [&str; 5] = ["gateway", "mix", "mix", "mix", "provider"];
const HOPS_BACK: [&str; 6] = ["provider", "mix", "mix", "mix", "gateway", "client"];

/// Waits until the demo has a monerod and a monero-wallet-rpc.
fn wait_for_children(demo: &Running) -> Vec<Process> {
    let found = wait_for(LONG, || {
        let children = children(demo.pid());
        let has = |program: &str| children.iter().any(|child| child.runs(program));
        (has("monerod") && has("monero-wallet-rpc")).then_some(children)
    });
    found.expect("the demo starts monerod and monero-wallet-rpc")
}

#[test]
fn it_proves_what_it_says_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let keep = dir.path().join("kept");
    let temporary = dir.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let args = ["demo", "--json", "--transactions", "2", "--keep", keep.to_str().unwrap()];
    let mut demo = Running::spawn(mixbed(&args).env("TMPDIR", &temporary));
    let children = wait_for_children(&demo);
    let (status, words) = demo.wait(LONG);
    assert_eq!(status.code(), Some(0), "{words}");
    let proof: Value = serde_json::from_str(&demo.line("{")).unwrap();
    assert_gone(&children);

    assert_eq!(proof["ok"], true, "{proof}");
    let words = proof["proven"].as_str().unwrap();
    assert!(words.contains("2 of 2 transactions crossed 5 Sphinx hops each way"), "{words}");
    assert!(words.contains("all 9 nodes close"), "{words}");
    assert_eq!(proof["books"]["dropped"], 0, "{proof}");
    let transactions = proof["transactions"].as_array().unwrap();
    assert_eq!(transactions.len(), 2);
    for transaction in transactions {
        check(transaction);
    }
    let kept = std::fs::read(keep.join("demo.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&kept).unwrap(), proof);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "temporary files stay behind");

    let again = mixbed(&args).output().unwrap();
    assert_fails(&again, 2, &["--keep", "not empty"]);
}

fn check(transaction: &Value) {
    assert_eq!(transaction["reply"]["outcome"], "accepted", "{transaction}");
    assert_eq!(transaction["reply"]["txid"], transaction["txid"]);
    assert_eq!(transaction["way"]["txid"], transaction["txid"]);
    assert_eq!(transaction["reply"]["trace_id"].as_str().unwrap().len(), 32);
    assert!(transaction["block"].as_u64().unwrap() > 100, "{transaction}");
    let packets = transaction["way"]["packets"].as_array().unwrap();
    let roles = |packet: &Value, way: &str| -> Vec<String> {
        let hops = packet[way].as_array().unwrap();
        hops.iter().map(|hop| hop["role"].as_str().unwrap().to_owned()).collect()
    };
    let whole = packets
        .iter()
        .find(|packet| roles(packet, "there") == HOPS_THERE && roles(packet, "back") == HOPS_BACK);
    let whole = whole.unwrap_or_else(|| panic!("no whole way in {transaction}"));
    assert!(whole["monerod"]["took_us"].as_u64().unwrap() > 0, "{whole}");
    for (way, delayed) in [("there", 0..4), ("back", 1..5)] {
        for hop in &whole[way].as_array().unwrap()[delayed] {
            let asked = hop["delay_asked_us"].as_u64().unwrap();
            assert!(hop["delay_held_us"].as_u64().unwrap() >= asked, "{hop}");
            assert!(hop["unwrap_us"].as_u64().unwrap() > 0 && hop["link_us"].is_u64(), "{hop}");
        }
    }
}

#[test]
fn interrupted_it_fails_and_stops_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Running::spawn(mixbed(&["demo", "--json"]).env("TMPDIR", dir.path()));
    let children = wait_for_children(&demo);
    demo.signal(Signal::INT);
    let (status, words) = demo.wait(SOON);
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("stopped before anything was proven"), "{words}");
    assert_gone(&children);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "temporary files stay behind");
}

#[test]
fn killed_it_takes_its_children_along() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Running::spawn(mixbed(&["demo", "--json"]).env("TMPDIR", dir.path()));
    let children = wait_for_children(&demo);
    demo.signal(Signal::KILL);
    let (status, _) = demo.wait(SOON);
    assert_eq!(status.code(), None);
    assert_gone(&children);
}

#[test]
fn without_monero_it_says_how_to_get_it() {
    let empty = tempfile::tempdir().unwrap();
    for command in [&["demo"][..], &["up", "--control", "127.0.0.1:0"]] {
        let output = mixbed(command).env("PATH", empty.path()).output().unwrap();
        assert_fails(&output, 1, &["`monerod` is not installed", "apt-get install monero"]);
    }
}

#[test]
fn a_wallet_is_needed_too() {
    let dir = tempfile::tempdir().unwrap();
    // A PATH with all but monero-wallet-rpc.
    for name in ["monerod", "setpriv"] {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|dir| dir.join(name))
            .find(|path| Path::new(path).is_file());
        if let Some(program) = found {
            std::os::unix::fs::symlink(program, dir.path().join(name)).unwrap();
        }
    }
    let output = mixbed(&["demo"]).env("PATH", dir.path()).output().unwrap();
    assert_fails(&output, 1, &["`monero-wallet-rpc` is not installed"]);
}
