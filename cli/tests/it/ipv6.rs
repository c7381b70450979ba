//! Nets on IPv6 alone.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Output;

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::broadcast::monerod;
use crate::processes::Net;
use crate::support::{Running, run, stderr, stdout};

const ANY: &str = "[::1]:0";

fn accepted(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    let reply: Value = serde_json::from_str(&stdout(output)).unwrap();
    assert_eq!(reply["outcome"], "accepted", "{reply}");
}

#[test]
fn a_net_in_one_process_listens_on_ipv6_alone() {
    let runtime = Runtime::new().expect("a runtime");
    let (stock, monerod) = monerod(&runtime);
    let mut up = Running::start(&[
        "up",
        "--monerod",
        monerod.url(),
        "--directory",
        ANY,
        "--control",
        ANY,
        "--socks",
        ANY,
        "--monero-rpc",
        ANY,
        "--json",
    ]);
    let places: Value = serde_json::from_str(&up.line("{")).unwrap();
    for place in ["control", "socks", "rpc", "directory"] {
        let at = places[place].as_str().unwrap_or_default();
        assert!(at.contains("[::1]:"), "{place}: {places}");
    }
    let control = places["control"].as_str().unwrap();
    let status: Value =
        serde_json::from_str(&stdout(&run(&["status", "--json", "--control", control]))).unwrap();
    let nodes = status["nodes"].as_array().unwrap();
    assert!(!nodes.is_empty());
    for node in nodes {
        assert!(node["address"].as_str().unwrap().starts_with("[::1]:"), "{node}");
    }
    let raw = hex::encode(&stock.transfers[0].raw);
    accepted(&run(&["broadcast", &raw, "--json", "--control", control]));

    // A wallet's question, as curl would send it.
    let at = places["rpc"].as_str().unwrap();
    let mut port = TcpStream::connect(at).unwrap();
    let head = format!("GET /get_height HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    port.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    port.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"height\""), "{answer}");
    up.stop();
}

#[test]
fn processes_find_each_other_on_ipv6_alone() {
    let runtime = Runtime::new().expect("a runtime");
    let (stock, monerod) = monerod(&runtime);
    let net = Net::start_on(ANY, Some(monerod.url()));
    assert!(net.control.starts_with("http://[::1]:"), "{}", net.control);
    let raw = hex::encode(&stock.transfers[1].raw);
    accepted(&run(&["broadcast", &raw, "--json", "--control", &net.control]));
    net.stop();
}
