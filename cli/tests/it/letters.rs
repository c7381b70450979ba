//! Letters from one client to another.

use std::path::Path;

use serde_json::Value;

use crate::support::{
    Running, SOON, assert_fails, run, run_with_input, stderr, stdout, word_after,
};

const UP: [&str; 7] =
    ["up", "--monerod", "none", "--control", "127.0.0.1:0", "--mean-hop-delay", "5ms"];

/// A client of the net, with a state directory, and its control address.
fn client(places: &Value, state: &Path) -> (Running, String) {
    let of = |key: &str| places[key].as_str().expect("a text").to_owned();
    let mut client = Running::start(&[
        "client",
        "--network",
        "local",
        "--directory",
        &of("directory"),
        "--authority-key",
        &of("authority_key"),
        "--control",
        "127.0.0.1:0",
        "--state-dir",
        state.to_str().expect("a path"),
    ]);
    let control = word_after(&client.line("ready: "), "control at ");
    (client, control)
}

fn letters(control: &str, count: usize) -> Vec<Value> {
    let count = count.to_string();
    let wait = format!("{}s", SOON.as_secs());
    let args = ["receive", "--json", "--count", &count, "--wait", &wait, "--control", control];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_letter_waits_for_a_client_that_is_away_and_is_printed_once() {
    let mut up = Running::start(&[&UP[..], &["--json"]].concat());
    let places: Value = serde_json::from_str(&up.line("{")).expect("JSON");
    let control = places["control"].as_str().expect("an address");
    let state = tempfile::tempdir().expect("a directory");

    let (bob, bobs) = client(&places, state.path());
    let address = run(&["address", "--control", &bobs]);
    assert_eq!(address.status.code(), Some(0), "{}", stderr(&address));
    let address = stdout(&address).trim().to_owned();
    assert!(address.starts_with("mixbed1") && address.len() == 77, "{address}");
    bob.stop();

    let mine = stdout(&run(&["address", "--control", control])).trim().to_owned();
    let sent = run(&["send", "--named", &address, "hello bob", "--control", control]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    assert!(stdout(&sent).starts_with("kept: by gateway-"), "{}", stdout(&sent));
    let bytes = [0xff, 0x00, 0x80];
    let sent = run_with_input(&["send", &address, "--json", "--control", control], &bytes);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    let posted: Value = serde_json::from_str(&stdout(&sent)).expect("JSON");
    assert!(posted["lasting_s"].as_u64() > Some(600_000), "{posted}");

    let (bob, bobs) = client(&places, state.path());
    assert_eq!(stdout(&run(&["address", "--control", &bobs])).trim(), address, "it is kept");
    let got = [letters(&bobs, 1), letters(&bobs, 1)].concat();
    assert_eq!(got.len(), 2, "each call ends with its letter: {got:?}");
    assert_eq!((&got[0]["text"], &got[0]["from"]), (&"hello bob".into(), &mine.into()));
    assert_eq!((&got[1]["hex"], &got[1]["from"]), (&"ff0080".into(), &Value::Null));
    bob.stop();

    let (bob, bobs) = client(&places, state.path());
    let sent = run(&["send", &address, "the third", "--control", control]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    assert_eq!(letters(&bobs, 1)[0]["text"], "the third", "those of before do not come again");
    let nowhere = run(&["receive", "--wait", "1ms", "--control", &bobs]);
    assert_eq!((nowhere.status.code(), stdout(&nowhere).as_str()), (Some(0), ""));
    bob.stop();
    up.stop();
}

#[test]
fn what_is_no_address_or_no_letter_is_said_at_once() {
    let output = run(&["send", "mixbed1qqqq", "hello"]);
    assert_fails(&output, 2, &["no address", "mixbed1 and 70 letters and digits"]);
    let address = mixbed_wire::letter::MailboxAddress {
        gateway: mixbed_wire::NodeId::from_bytes([1; 8]),
        key: mixbed_wire::MailboxPublic::from_bytes([2; 32]),
    };
    let address = address.to_string();
    let output = run_with_input(&["send", &address], &vec![b'x'; 100_000]);
    assert_fails(&output, 2, &["too long", "63838 bytes"]);
    assert_fails(&run(&["send", &address, ""]), 2, &["empty"]);
    assert_fails(&run(&["chat", "mixbed1qqqq"]), 2, &["no address"]);
    let output = run(&["send", &address, "hello", "--control", "127.0.0.1:1"]);
    assert_fails(&output, 1, &["nothing runs at"]);

    let mut up = Running::start(&UP);
    let control = word_after(&up.line("ready: "), "control at ");
    let output = run(&["send", &address, "hello", "--deadline", "200ms", "--control", &control]);
    assert_fails(&output, 1, &["the network has no gateway 0101010101010101 now"]);
    up.stop();
}
