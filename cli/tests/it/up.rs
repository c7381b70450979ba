//! A net in one process.

use std::io::Write as _;
use std::net::TcpStream;

use rustix::process::Signal;

use crate::support::{
    Running, SOON, assert_fails, get, http, is_free, run, stdout, wait_for, word_after,
};

const UP: [&str; 5] = ["up", "--monerod", "none", "--control", "127.0.0.1:0"];

#[test]
fn it_becomes_ready_answers_and_stops_with_its_ports_free() {
    let mut up = Running::start(&UP);
    let directory = word_after(&up.line("directory"), "directory  ");
    let control = word_after(&up.line("ready: "), "control at ");

    let status = run(&["status", "--json", "--control", &control]);
    let status: serde_json::Value = serde_json::from_str(&stdout(&status)).unwrap();
    assert_eq!(status["ready"], true);
    assert_eq!(status["directory"]["state"], "following");
    assert_eq!(status["directory"]["url"], directory.as_str());
    let nodes = status["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 9);
    assert!(nodes.iter().all(|node| node["inside"]["ready"] == true), "{status}");
    let table = stdout(&run(&["status", "--control", &control]));
    for name in ["gateway-1", "mix-3-0", "provider-0", "following", "local: ready"] {
        assert!(table.contains(name), "{name}: {table}");
    }

    assert_eq!(get(&control, "/healthz").0, 200);
    assert_eq!(get(&control, "/readyz"), (200, "ready\n".to_owned()));
    let metrics = wait_for(SOON, || {
        let text = get(&control, "/metrics").1;
        text.contains(r#"mixbed_document_epoch{node="mix-2-1",role="mix"} 1"#).then_some(text)
    });
    let metrics = metrics.expect("the followers' metrics are there");
    assert!(metrics.contains(r#"mixbed_document_updates_total{node="client""#), "{metrics}");

    up.stop();
    assert!(is_free(&control) && is_free(&directory));
}

#[test]
fn sigterm_stops_it_as_well_and_json_says_where_everything_is() {
    let mut up = Running::start(&[&UP[..], &["--json"]].concat());
    let places: serde_json::Value = serde_json::from_str(&up.line("{")).unwrap();
    assert_eq!(places["ready"], true);
    assert_eq!(places["authority_key"].as_str().unwrap().len(), 64);
    assert_eq!(places["nodes"].as_array().unwrap().len(), 9);
    up.signal(Signal::TERM);
    let (status, words) = up.wait(SOON);
    assert_eq!(status.code(), Some(0), "{words}");
    assert!(is_free(places["control"].as_str().unwrap()));
}

#[test]
fn three_directories_serve_one_document_that_a_majority_signed() {
    let mut up = Running::start(&[&UP[..], &["--json", "--directories", "3"]].concat());
    let places: serde_json::Value = serde_json::from_str(&up.line("{")).unwrap();
    let directories = places["directories"].as_array().unwrap();
    assert_eq!(directories.len(), 3);
    assert_eq!(places["authority_key"].as_str().unwrap().split(',').count(), 3);
    let control = places["control"].as_str().unwrap();
    let same = wait_for(SOON, || {
        let status = run(&["status", "--json", "--control", control]);
        let status: serde_json::Value = serde_json::from_str(&stdout(&status)).unwrap();
        let inside = status["directory"]["inside"].as_array().unwrap().clone();
        let revision = &status["directory"]["document"]["revision"];
        let same = inside.len() == 3 && inside.iter().all(|one| one["revision"] == *revision);
        same.then_some(status)
    });
    let status = same.expect("all three have the same");
    assert_eq!(status["nodes"].as_array().unwrap().len(), 9);
    let table = stdout(&run(&["status", "--control", control]));
    assert!(table.contains("directory-2 mixbed://"), "{table}");
    // Orders and questions go to all of them.
    let shown = run(&[
        "parameters",
        "--directory",
        places["directory"].as_str().unwrap(),
        "--authority-key",
        places["authority_key"].as_str().unwrap(),
        "--network",
        places["network"].as_str().unwrap(),
    ]);
    assert!(stdout(&shown).contains("mean hop delay  50ms"), "{shown:?}");
    up.stop();
    for count in ["0", "2"] {
        let output = run(&[&UP[..], &["--directories", count]].concat());
        let why = format!("{count} directories make no quorum");
        assert_fails(&output, 2, &[&why, "odd number"]);
    }
}

#[test]
fn without_a_monerod_a_transaction_is_refused_with_the_reason() {
    let mut up = Running::start(&UP);
    let control = word_after(&up.line("ready: "), "control at ");
    let output = run(&["broadcast", "02ab", "--control", &control]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("nobody offers monero.submit"), "{}", stdout(&output));
    let id = "ab".repeat(32);
    let output = run(&["trace", &id, "--control", &control]);
    assert_fails(&output, 1, &["no trace of", &id]);
    up.stop();
}

#[test]
fn the_control_api_refuses_pages_strange_hosts_and_large_bodies() {
    let mut up = Running::start(&UP);
    let control = word_after(&up.line("ready: "), "control at ");
    let host = control.trim_start_matches("http://");
    let ask = |head: &str| http(&control, &format!("{head}\r\nconnection: close\r\n\r\n"));

    let (status, body) =
        ask(&format!("GET /v1/status HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}"));
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("web page"), "{body}");
    let (status, body) = ask("GET /v1/status HTTP/1.1\r\nhost: rebound.example");
    assert_eq!(status, 403, "{body}");
    let (status, body) =
        ask(&format!("POST /v1/broadcast HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1500000"));
    assert_eq!(status, 413, "{body}");
    assert!(body.contains("error"), "{body}");
    // The same without saying so before.
    let chunk = format!("40000\r\n{}\r\n", "0".repeat(0x40000));
    let (status, body) = http(
        &control,
        &format!(
            "POST /v1/broadcast HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\
             connection: close\r\n\r\n{}0\r\n\r\n",
            chunk.repeat(4)
        ),
    );
    assert_eq!(status, 413, "{body}");
    let (status, body) = ask(&format!(
        "POST /v1/broadcast?deadline_ms=0 HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0"
    ));
    assert_eq!(status, 400, "{body}");
    let (status, body) =
        ask(&format!("POST /v1/broadcast?dedline=1 HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0"));
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("dedline"), "{body}");
    assert_eq!(get(&control, "/v1/traces/xyz").0, 400);
    assert_eq!(get(&control, "/v2").0, 404);
    up.stop();
}

#[test]
fn a_directory_of_another_network_is_not_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().to_str().unwrap();
    let mut directory = Running::spawn(
        crate::support::mixbed(&[
            "directory",
            "--state-dir",
            state,
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
        ])
        .env("MIXBED_NETWORK", "other"),
    );
    directory.line("ready: directory of other");
    directory.stop();
    let output = run(&[&UP[..], &["--state-dir", state]].concat());
    assert_fails(&output, 1, &["other", "local"]);
}

#[test]
fn many_broadcasts_leave_room_for_probes() {
    let mut up = Running::start(&UP);
    let control = word_after(&up.line("ready: "), "control at ");
    let host = control.trim_start_matches("http://");
    let head = format!("POST /v1/broadcast HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1\r\n\r\n");
    // Each waits for a byte that does not come.
    let waiting: Vec<_> = (0..48)
        .map(|_| {
            let mut stream = TcpStream::connect(host).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let words = wait_for(SOON, || {
        let output = run(&["status", "--control", &control]);
        (output.status.code() == Some(1)).then_some(output)
    });
    assert_fails(&words.expect("one more is refused"), 1, &[&control, "too many requests"]);
    assert_eq!(get(&control, "/healthz").0, 200);
    drop(waiting);
    let output = wait_for(SOON, || {
        let output = run(&["status", "--control", &control]);
        output.status.success().then_some(())
    });
    assert!(output.is_some(), "those that left made room");
    up.stop();
}
