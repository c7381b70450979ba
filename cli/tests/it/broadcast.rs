//! Real transactions through a net of processes, to a real monerod.

use std::path::Path;
use std::process::Output;

use mixbed_monero::testing::{Stock, corrupt_signature, make_heavier};
use mixbed_monero::{Monerod, MonerodOptions, PreparedTransfer};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::processes::Net;
use crate::support::{
    Running, SOON, assert_fails, run, run_with_input, stderr, stdout, wait_for, word_after,
};

/// A monerod on the stock's chain.
pub(crate) fn monerod(runtime: &Runtime) -> (Stock, Monerod) {
    runtime.block_on(async {
        let stock = Stock::open(Path::new(env!("CARGO_TARGET_TMPDIR"))).await.expect("a stock");
        let monerod = stock.monerod(MonerodOptions::default()).await.expect("monerod starts");
        (stock, monerod)
    })
}

fn reply(output: &Output) -> Value {
    serde_json::from_str(&stdout(output))
        .unwrap_or_else(|error| panic!("{error}: {} {}", stdout(output), stderr(output)))
}

/// Broadcasts one of these after another until one went in one packet: where the machine stalls for
/// a second, a packet is sent again.
fn undisturbed(
    transfers: &[PreparedTransfer],
    broadcast: impl Fn(&PreparedTransfer) -> Output,
) -> (&PreparedTransfer, Value) {
    let sent = transfers.iter().map(|transfer| {
        let output = broadcast(transfer);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        (transfer, reply(&output))
    });
    let mut one = sent.filter(|(_, accepted)| accepted["packets"]["sent"] == 1);
    one.next().expect("a usual transaction is one packet")
}

#[test]
fn a_net_in_one_process_shows_a_transaction_s_whole_way() {
    let runtime = Runtime::new().expect("a runtime");
    let (stock, monerod) = monerod(&runtime);
    let mut up = Running::start(&["up", "--monerod", monerod.url(), "--control", "127.0.0.1:0"]);
    assert_eq!(word_after(&up.line("monerod"), "monerod    "), monerod.url());
    let control = word_after(&up.line("ready: "), "control at ");

    // More than one packet: a part each, all answered for.
    let output = run(&["broadcast", &hex::encode(&stock.sweep.raw), "--control", &control]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let txid = stock.sweep.txid.to_string();
    let table = stdout(&run(&["trace", &txid, "--control", &control]));
    assert!(table.contains("part 12"), "28 kB are 12 packets and more: {table}");

    let (transfer, accepted) = undisturbed(&stock.transfers[..3], |transfer| {
        run(&["broadcast", &hex::encode(&transfer.raw), "--json", "--control", &control])
    });
    let trace_id = accepted["trace_id"].as_str().expect("up allows tracing");
    // The last hop's span ends a moment after the answer is there.
    let whole = wait_for(SOON, || {
        let table = stdout(&run(&["trace", trace_id, "--control", &control]));
        table.contains("11 hops").then_some(table)
    });
    let table = whole.expect("each hop there and back");
    for words in ["there  gateway-", "there  provider-0", "monerod", "back   client", "in all"] {
        assert!(table.contains(words), "{words} is not in: {table}");
    }
    let spans = run(&["trace", &transfer.txid.to_string(), "--json", "--control", &control]);
    let spans = reply(&spans);
    assert_eq!(spans["trace_id"], trace_id);
    assert_eq!(spans["spans"].as_array().unwrap().len(), 15, "{spans}");
    up.stop();
}

#[test]
fn transactions_cross_a_net_of_processes_and_monerod_judges_them() {
    let runtime = Runtime::new().expect("a runtime");
    let (stock, mut monerod) = monerod(&runtime);
    let net = Net::start(Some(monerod.url()));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tx");
    let path = path.to_str().unwrap();
    let broadcast = |what: &str| run(&["broadcast", what, "--json", "--control", &net.control]);
    let send = |raw: &[u8]| {
        std::fs::write(path, raw).unwrap();
        broadcast(path)
    };

    // As a file of hexadecimal digits, by standard input, as raw bytes: one packet there and back.
    let (first, accepted) = undisturbed(&stock.transfers[6..9], |transfer| {
        std::fs::write(path, hex::encode(&transfer.raw) + "\n").unwrap();
        broadcast(path)
    });
    assert_eq!(accepted["outcome"], "accepted", "{accepted}");
    assert_eq!(accepted["txid"], first.txid.to_string());
    assert_eq!(accepted["provider"], "provider-0");
    assert_eq!(accepted["packets"]["received"], 1, "{accepted}");
    let known = runtime.block_on(monerod.daemon().transaction(first.txid)).unwrap();
    assert!(known.is_known(), "monerod has it");

    let args = ["broadcast", "-", "--json", "--control", &net.control];
    let again = reply(&run_with_input(&args, hex::encode(&first.raw).as_bytes()));
    // monerod 0.18.0.0 says that it had it. 0.18.4.0 takes it again while it waits in its pool.
    assert!(
        ["already_known", "accepted"].iter().any(|known| again["outcome"] == *known),
        "{again}"
    );

    let output = send(&stock.double_spend[0].raw);
    assert_eq!(reply(&output)["outcome"], "accepted", "{}", stdout(&output));

    // What is wrong is monerod's to say, in words, and the exit code is 1.
    let corrupt = corrupt_signature(&stock.transfers[1].raw).unwrap();
    let low_fee = make_heavier(&stock.transfers[2].raw, 2_000).unwrap();
    let truncated = &stock.transfers[3].raw[..1_000];
    let garbage = vec![2; 200_000];
    for (raw, words) in [
        (&stock.double_spend[1].raw[..], "already spent"),
        (&corrupt, "signature"),
        (&low_fee, "fee"),
        (truncated, "not a"),
        (&garbage, "not a"),
    ] {
        let output = send(raw);
        assert_eq!(output.status.code(), Some(1), "{words}: {}", stderr(&output));
        let rejected = reply(&output);
        assert_eq!(rejected["outcome"], "rejected", "{words}: {rejected}");
        let said = rejected["words"].as_str().unwrap();
        assert!(said.contains(words), "{words} is not in: {said}");
    }

    // For people: in words, with what to do next. The trace has the client's own part.
    let hex = hex::encode(&stock.one_input.raw);
    let output = run(&["broadcast", &hex, "--trace", "--control", &net.control]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let txid = stock.one_input.txid.to_string();
    assert!(text.starts_with("accepted: monerod accepted"), "{text}");
    assert!(text.contains(&format!("mixbed trace {txid}")), "{text}");
    let output = run(&["trace", &txid, "--control", &net.control]);
    assert!(stdout(&output).contains(&format!("transaction {txid}")), "{}", stdout(&output));
    let hex = hex::encode(&stock.transfers[4].raw);
    // A client traces what it is asked to trace, though the network allows more.
    let args = ["broadcast", &hex, "--json", "--control", &net.control];
    let untraced = reply(&run(&args));
    assert_eq!((&untraced["outcome"], &untraced["trace_id"]), (&"accepted".into(), &Value::Null));

    // A deadline that has passed is a failure, and says so.
    runtime.block_on(monerod.stop()).unwrap();
    let hex = hex::encode(&stock.transfers[5].raw);
    let args = ["broadcast", &hex, "--deadline", "2s", "--json", "--control", &net.control];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(1));
    let failed = reply(&output);
    assert_eq!(failed["outcome"], "failed", "{failed}");
    // On a busy machine nothing may have been sent until then: that is said otherwise.
    let words = failed["words"].as_str().unwrap();
    assert!(words.contains("within 2 s") || words.contains("within 2.000 s"), "{failed}");
    let args = ["broadcast", &hex, "--provider", "nobody", "--json", "--control", &net.control];
    assert_fails(&run(&args), 1, &["no provider nobody", "provider-0"]);
    net.stop();
}
