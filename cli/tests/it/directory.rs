//! The directory on its own: its key, its state in a Secret, and how it says that something is wrong.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Json;
use axum::extract::{Path as Named, State};
use axum::http::StatusCode;
use axum::routing::get as route;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    Running, SOON, assert_fails, get, mixbed, run, stdout, taken_port, wait_for, word_after,
};

const ANY: [&str; 4] = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
const SECRET: &str = "0123456789abcdef";

fn directory(args: &[&str], kubeconfig: Option<&Path>) -> std::process::Command {
    let mut command = mixbed(&[&["directory"][..], &ANY, args].concat());
    command.env("MIXBED_JOIN_SECRET", SECRET);
    command.env("KUBECONFIG", kubeconfig.unwrap_or(Path::new("/no/such/kubeconfig")));
    command.env_remove("KUBERNETES_SERVICE_HOST");
    command
}

#[test]
fn its_key_is_that_of_the_file_and_no_other_with_the_same_state() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (key, other) = (file("key", &"ab".repeat(32)), file("other", &"cd".repeat(32)));
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let args = |key: &str| {
        let args = ["--state-dir", &state, "--authority-secret-key-file", key];
        directory(&args, None)
    };
    let mut first = Running::spawn(&mut args(&key));
    let public = word_after(&first.line("ready: "), "with key ");
    first.stop();
    let mut again = Running::spawn(&mut args(&key));
    assert_eq!(word_after(&again.line("ready: "), "with key "), public);
    again.stop();
    let written = std::fs::read_to_string(Path::new(&state).join("authority.pub")).unwrap();
    assert_eq!(written.trim(), public);
    let output = args(&other).output().unwrap();
    assert_fails(&output, 1, &[&public, &state, "the key given is that of"]);
    let output = args(&file("none", "no key at all")).output().unwrap();
    assert_fails(&output, 2, &["authority_secret_key_file", "64 hexadecimal digits"]);
}

#[test]
fn three_processes_make_each_document_together_and_one_may_be_killed() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let draw = |name: &str| stdout(&run(&["admin-key", &path(name)])).trim().to_owned();
    let keys: Vec<_> = (0..3).map(|at| draw(&format!("{at}.key"))).collect();
    let admin = draw("admin.key");
    let ports: Vec<_> = (0..3).map(|_| taken_port()).collect();
    let urls: Vec<_> = ports.iter().map(|(_, port)| format!("mixbed://127.0.0.1:{port}")).collect();
    let peers: Vec<_> = keys.iter().zip(&urls).map(|(key, url)| format!("{key}@{url}")).collect();
    let (peers, keys, urls) = (peers.join(","), keys.join(","), urls.join(","));
    let mut running: Vec<_> = ports
        .into_iter()
        .enumerate()
        .map(|(at, (listener, port))| {
            drop(listener);
            let (listen, key) = (format!("127.0.0.1:{port}"), path(&format!("{at}.key")));
            let args =
                ["directory", "--listen", &listen, "--http", "127.0.0.1:0", "--peers", &peers];
            let keys = ["--authority-secret-key-file", &key, "--admin-key", &admin];
            let mut command = mixbed(&[&args[..], &keys].concat());
            command.env("MIXBED_JOIN_SECRET", SECRET);
            Running::spawn(&mut command)
        })
        .collect();
    for directory in &mut running {
        directory.line("ready: ");
    }
    let there = ["--directory", &urls, "--authority-key", &keys];
    let shown = wait_for(SOON, || {
        let output = run(&[&["parameters"][..], &there].concat());
        output.status.success().then(|| stdout(&output))
    });
    assert!(shown.expect("there is a document").contains("mean hop delay  50ms"));
    running.remove(0).signal(Signal::KILL);
    let admin = path("admin.key");
    let set = ["parameters", "set", "--mean-hop-delay", "20ms", "--admin-key-file", &admin];
    let set = run(&[&set[..], &there].concat());
    assert!(stdout(&set).contains("20ms"), "{set:?}");
    running.into_iter().for_each(Running::stop);

    let alone = directory(&["--peers", "abcd"], None).output().unwrap();
    assert_fails(&alone, 2, &["peers", "KEY@URL"]);
    let two = format!("{}@mixbed://127.0.0.1:1", "ab".repeat(32));
    let two = directory(&["--peers", &two], None).output().unwrap();
    assert_fails(&two, 2, &["2 directories make no quorum"]);
}

#[test]
fn places_for_the_state_that_make_no_sense() {
    let fails = |args: &[&str], words: &[&str]| {
        assert_fails(&directory(args, None).output().unwrap(), 2, words);
    };
    fails(&["--state-secret", "a", "--state-dir", "b"], &["--state-dir or --state-secret"]);
    fails(&["--state-secret", "../x"], &["--state-secret", "DNS name", "../x"]);
    fails(&["--state-secret", "a"], &["--state-secret", "Kubernetes", "--state-dir"]);
}

#[test]
fn a_gateway_elsewhere_needs_its_name_and_an_address() {
    let key = "ab".repeat(32);
    let client = |args: &[&str]| {
        run(&[&["client", "--authority-key", &key, "--control", "127.0.0.1:0"][..], args].concat())
    };
    assert_fails(&client(&["--gateway-at", "127.0.0.1:1"]), 2, &["--gateway"]);
    for bad in ["127.0.0.1", ":1", "a:0", "a:b", "a:65536"] {
        let output = client(&["--gateway", "gateway-0", "--gateway-at", bad]);
        assert_fails(&output, 2, &["gateway_at", "host:port", bad]);
    }
}

/// A Kubernetes API server that has one Secret, and is away at will.
#[derive(Debug, Default)]
struct Cluster {
    secret: Value,
    version: u64,
    away: bool,
}

type Shared = Arc<Mutex<Cluster>>;

fn answer(cluster: &Shared, change: Option<Value>) -> (StatusCode, Json<Value>) {
    let failed = |code: StatusCode| {
        let code_number = code.as_u16();
        (code, Json(json!({ "kind": "Status", "code": code_number, "message": "it says no" })))
    };
    let mut cluster = cluster.lock().unwrap();
    if cluster.away {
        return failed(StatusCode::SERVICE_UNAVAILABLE);
    }
    if let Some(change) = change {
        if change["metadata"]["resourceVersion"] != json!(cluster.version.to_string()) {
            return failed(StatusCode::CONFLICT);
        }
        for (key, value) in change["data"].as_object().unwrap() {
            cluster.secret["data"][key] = value.clone();
        }
        cluster.version += 1;
    }
    let mut secret = cluster.secret.clone();
    secret["metadata"] = json!({ "name": "state", "resourceVersion": cluster.version.to_string() });
    (StatusCode::OK, Json(secret))
}

/// Starts one; its kubeconfig is in the directory.
fn cluster(dir: &Path) -> (Shared, tokio::runtime::Runtime) {
    let cluster = Shared::default();
    let read =
        async |State(cluster): State<Shared>, Named(_): Named<String>| answer(&cluster, None);
    let write = async |State(cluster): State<Shared>, Named(_): Named<String>, body: String| {
        answer(&cluster, Some(serde_json::from_str(&body).unwrap()))
    };
    let path = "/api/v1/namespaces/net/secrets/{name}";
    let router = axum::Router::new().route(path, route(read).patch(write));
    let router = router.with_state(Arc::clone(&cluster));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, router).await });
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": server } }],
        "users": [{ "name": "test", "user": {} }],
        "contexts": [{
            "name": "test",
            "context": { "cluster": "test", "user": "test", "namespace": "net" },
        }],
    });
    std::fs::write(dir.join("kubeconfig"), kubeconfig.to_string()).unwrap();
    (cluster, runtime)
}

/// A directory with its state in the Secret, and its HTTP address.
fn in_cluster(dir: &Path) -> (Running, String, String) {
    let args = [
        "--state-secret",
        "state",
        "--network",
        "net",
        "--epoch-length",
        "1s",
        "--metrics-step",
        "0s",
    ];
    let mut directory = Running::spawn(&mut directory(&args, Some(&dir.join("kubeconfig"))));
    let line = directory.line("ready: ");
    let http = word_after(&line, "metrics at ").trim_end_matches("/metrics").to_owned();
    (directory, word_after(&line, "with key "), http)
}

fn revision(http: &str) -> u64 {
    let (_, metrics) = get(http, "/metrics");
    let line = metrics.lines().find(|line| line.starts_with("mixbed_directory_revision"));
    let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    value.unwrap_or_else(|| panic!("no revision in {metrics}"))
}

#[test]
fn a_pod_without_a_disk_goes_on_from_its_secret() {
    let dir = tempfile::tempdir().unwrap();
    let (cluster, _runtime) = cluster(dir.path());
    let (mut first, key, http) = in_cluster(dir.path());
    let ready = || (get(&http, "/readyz").0 == 200).then_some(());
    wait_for(SOON, ready).expect("its state is in the secret");
    wait_for(SOON, || (revision(&http) >= 2).then_some(())).expect("a second epoch");
    let seen = revision(&http);

    cluster.lock().unwrap().away = true;
    let not_ready = wait_for(SOON, || Some(get(&http, "/readyz")).filter(|(code, _)| *code == 503));
    let (_, why) = not_ready.expect("it cannot write");
    assert!(why.contains("state: not saved") && why.contains("the Secret net/state"), "{why}");
    assert_eq!(get(&http, "/healthz").0, 200, "to start it anew would not help");
    let held = revision(&http);
    cluster.lock().unwrap().away = false;
    wait_for(SOON, || (get(&http, "/readyz").0 == 200).then_some(())).expect("it writes again");
    wait_for(SOON, || (revision(&http) > held).then_some(())).expect("a document again");

    first.signal(Signal::KILL);
    first.wait(SOON);
    let (second, again, http) = in_cluster(dir.path());
    assert_eq!(again, key, "what its key was");
    wait_for(SOON, || (revision(&http) > held.max(seen)).then_some(())).expect("no revision twice");

    // The newest one has the Secret; the one before says so, and ends.
    let (third, _, _) = in_cluster(dir.path());
    let mut second = second;
    let (status, words) = second.wait(SOON);
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("another directory writes the Secret net/state"), "{words}");

    cluster.lock().unwrap().away = true;
    let stopping = Instant::now();
    third.stop();
    assert!(stopping.elapsed() < SOON / 2, "{:?}", stopping.elapsed());
}
