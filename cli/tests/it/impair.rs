//! Impairing links of a network that runs.

use serde_json::Value;

use mixbed_monero::testing::free_ports;

use crate::processes::start_directory;
use crate::support::{
    Running, assert_fails, get, http, run, run_with_input, stderr, stdout, word_after,
};

const UP: [&str; 7] = ["up", "--monerod", "none", "--control", "127.0.0.1:0", "--cover", "off"];

fn json(output: &std::process::Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

#[test]
fn rules_are_added_shown_replaced_and_cleared_while_it_runs() {
    let mut up = Running::start(&UP);
    let control = word_after(&up.line("ready: "), "control at ");
    let impair = |args: &[&str]| run(&[&["impair", "--control", &control], args].concat());
    assert!(stdout(&impair(&[])).contains("no impairments"));

    let added = impair(&["add", "--from", "mix-1", "--to", "mix-2", "--loss", "5%"]);
    let table = stdout(&added);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    assert!(table.contains("mix-1 → mix-2") && table.contains("loss 5%"), "{table}");
    // The address may stand behind as well.
    let latency = ["--latency", "normal(20ms, 5ms)", "--jitter", "1ms", "--control", &control];
    let added = run(&[&["impair", "add", "--node", "mix-9-9"], &latency[..]].concat());
    assert!(stderr(&added).contains("warning: rule 2: no node is `mix-9-9`"), "{}", stderr(&added));

    let backwards = impair(&["add", "--from", "mix-2", "--to", "mix-1", "--partition"]);
    let warned = stderr(&backwards);
    assert!(warned.contains("rule 3: no packets go mix-2 → mix-1 (they go client"), "{warned}");
    impair(&["clear", "3"]);
    let open = impair(&["add", "--from", "client", "--loss", "1%"]);
    assert!(!stderr(&open).contains("rule 3"), "{}", stderr(&open));
    impair(&["clear", "3"]);

    let rules = json(&impair(&["--json"]));
    assert_eq!(rules["rules"][1]["rule"]["latency"], "normal(20ms, 5ms)");
    assert_eq!(rules["rules"][1]["nobody"][0], "mix-9-9");
    let status = stdout(&run(&["status", "--control", &control]));
    assert!(status.contains("impaired   1 mix-1 → mix-2: loss 5%"), "{status}");
    let metrics = get(&control, "/metrics").1;
    assert!(metrics.contains("mixbed_packets_dropped_total"), "{metrics}");

    assert_fails(&impair(&["clear", "3"]), 1, &["there is no rule 3: there are 2"]);
    let left = json(&impair(&["clear", "1", "--json"]));
    assert_eq!(left["rules"][0]["number"], 1);
    assert_eq!(left["rules"][0]["rule"]["node"], "mix-9-9");
    let rules = "- {partition: true, to: provider}\n- {loss: 0.01}\n";
    let replaced =
        run_with_input(&["impair", "--file", "-", "--control", &control], rules.as_bytes());
    let table = stdout(&replaced);
    assert!(table.contains("any → provider") && table.contains("loss 1%"), "{table}");
    assert!(!table.contains("mix-9-9"), "{table}");
    assert!(stdout(&impair(&["clear"])).contains("no impairments"));
    let status = stdout(&run(&["status", "--control", &control]));
    assert!(!status.contains("impaired"), "{status}");

    let host = control.trim_start_matches("http://");
    let post = |body: &str| {
        let length = body.len();
        let head = format!("POST /v1/impairments HTTP/1.1\r\nhost: {host}\r\nconnection: close");
        http(&control, &format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}"))
    };
    let (status, body) = post(r#"{"add": {"loss": "120%"}}"#);
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("loss is 0 % to 100 %, not 120 %"), "{body}");
    let many = format!(r#"{{"replace": [{}]}}"#, vec![r#"{"loss": "1%"}"#; 65].join(","));
    let (status, body) = post(&many);
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("65 rules are more than 64"), "{body}");
    assert_eq!(post("{}").0, 400);
    assert_eq!(get(&control, "/v1/impairments"), (200, r#"{"rules":[]}"#.to_owned()));
    up.stop();
}

#[test]
fn a_network_may_start_with_rules() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rules.yaml");
    std::fs::write(&path, "impairments:\n  - {from: client, latency: 30ms}\n").unwrap();
    let path = path.to_str().unwrap();
    let mut up = Running::start(&[&UP[..], &["--impairments", path]].concat());
    let control = word_after(&up.line("ready: "), "control at ");
    let rules = json(&run(&["impair", "--json", "--control", &control]));
    assert_eq!(rules["rules"][0]["links"], "client → any");
    assert_eq!(rules["rules"][0]["effects"], "latency 30ms");
    up.stop();
    std::fs::write(path, "- {loss: 5%}\n- {loss: 120%}\n").unwrap();
    let wrong = format!("{path}: rule 2: loss is 0 % to 100 %, not 120 %");
    assert_fails(&run(&[&UP[..], &["--impairments", path]].concat()), 2, &[&wrong]);
    let directory = ["directory", "--impairments", "/no/such", "--state-dir"];
    let state = dir.path().join("state");
    let output = run(&[&directory[..], &[state.to_str().unwrap()]].concat());
    assert_fails(&output, 2, &["/no/such"]);
}

#[test]
fn a_network_of_processes_is_impaired_at_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (directory, url) = start_directory(dir.path(), "127.0.0.1:0");
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (key, admin) = (file("authority.pub"), file("admin.key"));
    let at = ["--directory", &url, "--authority-key", &key];
    let impair = |args: &[&str]| run(&[&["impair"], &at[..], args].concat());
    let allowed = ["--admin-key-file", &admin];

    let add = ["add", "--to", "provider", "--bandwidth", "1MB/s"];
    assert_fails(&impair(&add), 2, &["no admin key", "--admin-key-file"]);
    let added = impair(&[&add[..], &allowed].concat());
    assert!(stdout(&added).contains("bandwidth 1MB/s"), "{}", stderr(&added));
    assert!(stderr(&added).contains("no node is `provider` now"), "{}", stderr(&added));
    assert!(stdout(&impair(&[])).contains("any → provider"), "to look needs no key");
    assert_fails(&impair(&[&["clear", "2"], &allowed[..]].concat()), 1, &["there is one"]);

    let other = file("other");
    assert_fails(&impair(&["clear", "--admin-key-file", &other]), 2, &[&other]);
    let drawn = stdout(&run(&["admin-key", &other]));
    let refused = impair(&["clear", "--admin-key-file", &other]);
    assert_fails(&refused, 1, &["not_admin", drawn.trim()]);
    // What every node has orders nothing, whatever it is given as.
    let refused = impair(&["clear", "--admin-key-file", &file("join-secret")]);
    assert_fails(&refused, 1, &["not_admin"]);
    let strange = "ab".repeat(32);
    let refused = run(&["impair", "--directory", &url, "--authority-key", &strange]);
    assert_fails(&refused, 1, &["not a trusted authority"]);
    assert!(stdout(&impair(&[&["clear"], &allowed[..]].concat())).contains("no impairments"));
    directory.stop();
}

#[test]
fn what_is_asked_wrongly_is_said_before_anybody_is_asked() {
    let [port] = free_ports();
    let control = format!("127.0.0.1:{port}");
    let impair = |args: &[&str]| run(&[&["impair", "--control", &control], args].concat());
    for (args, words) in [
        (&["add"][..], "it does nothing"),
        (&["add", "--loss", "120%"], "loss is 0 % to 100 %, not 120 %"),
        (&["add", "--loss", "some"], "loss is a share such as 5% or 0.05, not \"some\""),
        (&["add", "--latency", "normal(20ms)"], "normal(20ms, 5ms) with mean and deviation"),
        (&["add", "--bandwidth", "fast"], "500kB/s, 1.5MB/s or 8Mbit/s, not \"fast\""),
        (&["add", "--from", "Mix 1", "--partition"], "\"Mix 1\" is nobody"),
        (&["add", "--node", "a", "--to", "b", "--partition"], "without from and to"),
        (&["add", "--only-from", "client"], "only_from"),
        (&["clear", "all"], "all"),
        (&["--file", "/no/such"], "/no/such"),
        (&["--file", "/no/such", "clear"], "--file replaces all rules"),
    ] {
        assert_fails(&impair(args), 2, &[words]);
    }
    assert_fails(&run(&["impair", "--directory", "mixbed://x:1"]), 2, &["--authority-key"]);
    assert_fails(&impair(&[]), 1, &[&control, "mixbed up", "--control"]);
    assert_fails(&impair(&["clear"]), 1, &[&control, "mixbed up"]);
}
