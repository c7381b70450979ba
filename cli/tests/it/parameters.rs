//! The network's parameters, changed while it runs; and what its loops tell.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Running, assert_fails, get, run, run_with_input, stderr, stdout, word_after};

const UP: [&str; 5] = ["up", "--monerod", "none", "--control", "127.0.0.1:0"];

/// Loops are to name what takes packets within this time, on a busy machine, at this test's rates.
const NAMED_WITHIN: Duration = Duration::from_secs(150);

fn json(output: &std::process::Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

#[test]
fn parameters_are_shown_and_set_while_it_runs() {
    let mut up = Running::start(&UP);
    let control = word_after(&up.line("ready: "), "control at ");
    let parameters = |args: &[&str]| run(&[&["parameters", "--control", &control], args].concat());
    let shown = stdout(&parameters(&[]));
    assert!(
        shown.contains("mean hop delay  50ms") && shown.contains("payload         30 a second"),
        "{shown}"
    );

    let set = parameters(&["set", "--payload", "10", "--loop", "1", "--mean-hop-delay", "20ms"]);
    assert_eq!(set.status.code(), Some(0), "{}", stderr(&set));
    assert!(stdout(&set).contains("payload         10 a second"), "{}", stdout(&set));
    let set = json(&parameters(&["set", "--cover", "on", "--drop", "3", "--json"]));
    assert_eq!((&set["rates"]["drop"], &set["rates"]["payload"]), (&3.0.into(), &30.0.into()));
    assert_eq!(set["mean_hop_delay"], "20ms", "what is not named stays");
    let file = "epoch_length: 5m\nrates: {node_loop: 0.5}\n";
    let set = ["parameters", "set", "--json", "--file", "-", "--control", &control];
    let set = json(&run_with_input(&set, file.as_bytes()));
    assert_eq!((&set["epoch_length"], &set["rates"]["node_loop"]), (&"5m".into(), &0.5.into()));
    assert_eq!(json(&parameters(&["--json"])), set);

    assert_fails(&parameters(&["set"]), 2, &["nothing is to be set"]);
    assert_fails(&parameters(&["set", "--drop", "20000"]), 1, &["the rate drop is 0 to 10,000"]);
    assert_fails(&parameters(&["set", "--mean-hop-delay", "soon"]), 2, &["not a length of time"]);
    let file = ["parameters", "set", "--file", "-", "--control", &control];
    assert_fails(&run_with_input(&file, b"rates: {paylaod: 1}"), 2, &["standard input", "paylaod"]);
    assert_eq!(json(&parameters(&["set", "--cover", "off", "--json"]))["rates"]["payload"], 0.0);
    up.stop();
}

#[test]
fn a_mix_that_takes_all_but_what_one_gateway_sends_is_named() {
    let mut up = Running::start(&UP);
    let control = word_after(&up.line("ready: "), "control at ");
    let at = ["--control", &control];
    let rates = ["--loop", "5", "--node-loop", "2", "--mean-hop-delay", "10ms"];
    let set = run(&[&["parameters", "set"], &rates[..], &at].concat());
    assert_eq!(set.status.code(), Some(0), "{}", stderr(&set));
    let status = || json(&run(&[&["status", "--json"], &at[..]].concat()));
    let until = |what: &str, condition: &dyn Fn(&Value) -> bool| {
        let start = Instant::now();
        loop {
            let status = status();
            if condition(&status) {
                return status;
            }
            assert!(start.elapsed() < NAMED_WITHIN, "{what}: {status}");
            std::thread::sleep(Duration::from_millis(500));
        }
    };
    let good = until("all send loops", &|status| {
        let senders = status["loops"]["senders"].as_array().expect("a list");
        senders.len() == 9 && senders.iter().all(|sender| sender["returned"].as_u64() > Some(0))
    });
    assert_eq!(good["loops"]["suspect"], Value::Null);

    let attack = ["impair", "add", "--node", "mix-1-0", "--only-from", "gateway-0"];
    let attack = run(&[&attack[..], &at].concat());
    assert_eq!(attack.status.code(), Some(0), "{}", stderr(&attack));
    let is_it = |name: &Value| name.as_str().is_some_and(|name| name.contains("mix-1-0"));
    let named = until("all together name it", &|status| is_it(&status["loops"]["suspect"]["name"]));
    assert!(named["loops"]["suspect"]["lost"].as_u64() > Some(0), "{named}");
    until("the client names it", &|status| {
        status["client"]["state"] == "degraded" && is_it(&status["client"]["words"])
    });
    let shown = stdout(&run(&[&["status"], &at[..]].concat()));
    assert!(shown.contains("suspect    ") && shown.contains("loops of"), "{shown}");
    let of_it = |line: &&str| {
        line.starts_with("mixbed_loop_suspect{") && line.contains("mix-1-0") && line.ends_with(" 1")
    };
    // Who names it says so in its metrics a moment after its state.
    let start = Instant::now();
    loop {
        let metrics = get(&control, "/metrics").1;
        if metrics.lines().any(|line| of_it(&line)) {
            break;
        }
        assert!(start.elapsed() < NAMED_WITHIN, "no metric names it: {metrics}");
        std::thread::sleep(Duration::from_millis(100));
    }
    up.stop();
}
