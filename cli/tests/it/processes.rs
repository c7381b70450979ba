//! The whole net as separate processes.

use std::path::Path;

use tempfile::TempDir;

use mixbed_monero::testing::free_ports;

use crate::support::{Running, SOON, assert_fails, get, run, stdout, wait_for, word_after};

/// A directory, one node of each kind, and a client, each a process.
pub(crate) struct Net {
    dir: TempDir,
    pub(crate) directory: String,
    directory_process: Running,
    pub(crate) nodes: Vec<Running>,
    client: Option<Running>,
    pub(crate) control: String,
}

impl Net {
    /// Starts it, with a provider that submits to `monerod`.
    pub(crate) fn start(monerod: Option<&str>) -> Self {
        Self::start_on("127.0.0.1:0", monerod)
    }

    /// The same, with all that listens on one address, with any port.
    pub(crate) fn start_on(any: &str, monerod: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (directory_process, directory) = start_directory(dir.path(), any);
        let mut net = Self {
            dir,
            directory,
            directory_process,
            nodes: Vec::new(),
            client: None,
            control: String::new(),
        };
        let node = |net: &Self, args: &[&str]| {
            net.node(&[args, &["--listen", any, "--http", any][..]].concat())
        };
        net.nodes.push(node(&net, &["--role", "gateway", "--name", "gateway-0"]));
        for layer in ["1", "2", "3"] {
            let name = format!("mix-{layer}-0");
            net.nodes.push(node(&net, &["--role", "mix", "--layer", layer, "--name", &name]));
        }
        let provider = ["--role", "provider", "--name", "provider-0"];
        let monerod: Vec<&str> = monerod.iter().flat_map(|url| ["--monerod", url]).collect();
        net.nodes.push(node(&net, &[&provider[..], &monerod].concat()));
        for node in &mut net.nodes {
            node.line("ready: ");
        }
        let key = net.authority_key();
        let mut client = Running::start(&[
            "client",
            "--directory",
            &net.directory,
            "--authority-key",
            &key,
            "--control",
            any,
        ]);
        net.control = word_after(&client.line("ready: "), "control at ");
        net.client = Some(client);
        net
    }

    pub(crate) fn authority_key(&self) -> String {
        self.dir.path().join("authority.pub").to_str().unwrap().to_owned()
    }

    /// Starts a node with the directory's own join secret.
    pub(crate) fn node(&self, args: &[&str]) -> Running {
        let secret = self.dir.path().join("join-secret");
        self.node_with(args, secret.to_str().unwrap())
    }

    fn node_with(&self, args: &[&str], secret: &str) -> Running {
        let key = self.authority_key();
        let all = [
            "node",
            "--directory",
            &self.directory,
            "--authority-key",
            &key,
            "--join-secret-file",
            secret,
        ];
        Running::start(&[&all[..], args].concat())
    }

    pub(crate) fn client(&self) -> &Running {
        self.client.as_ref().expect("it runs")
    }

    pub(crate) fn directory_process(&self) -> &Running {
        &self.directory_process
    }

    pub(crate) fn status(&self) -> serde_json::Value {
        let output = run(&["status", "--json", "--control", &self.control]);
        serde_json::from_str(&stdout(&output)).unwrap_or_default()
    }

    pub(crate) fn stop(mut self) {
        self.client.take().expect("it runs").stop();
        for node in self.nodes.drain(..) {
            node.stop();
        }
        self.directory_process.stop();
    }
}

pub(crate) fn start_directory(state: &Path, listen: &str) -> (Running, String) {
    let (host, _) = listen.rsplit_once(':').expect("an address with a port");
    let mut directory = Running::start(&[
        "directory",
        "--state-dir",
        state.to_str().unwrap(),
        "--listen",
        listen,
        "--http",
        &format!("{host}:0"),
        "--tracing-allowed",
    ]);
    let url = word_after(&directory.line("ready: "), " at ");
    (directory, url)
}

#[test]
fn a_wrong_join_secret_ends_the_node_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (directory, url) = start_directory(dir.path(), "127.0.0.1:0");
    let wrong = dir.path().join("wrong");
    std::fs::write(&wrong, "another secret than theirs").unwrap();
    let key = dir.path().join("authority.pub");
    let output = run(&[
        "node",
        "--role",
        "gateway",
        "--name",
        "gateway-0",
        "--directory",
        &url,
        "--authority-key",
        key.to_str().unwrap(),
        "--join-secret-file",
        wrong.to_str().unwrap(),
    ]);
    assert_fails(&output, 1, &["error: gateway-0: ", "wrong join secret"]);
    directory.stop();
}

#[test]
fn a_node_waits_for_a_directory_that_is_away_and_says_so() {
    // A directory's state, and a port that is free.
    let dir = tempfile::tempdir().unwrap();
    let (directory, _) = start_directory(dir.path(), "127.0.0.1:0");
    directory.stop();
    let [port] = free_ports();
    let address = format!("127.0.0.1:{port}");

    let [http_port] = free_ports();
    let http = format!("127.0.0.1:{http_port}");
    let key = dir.path().join("authority.pub");
    let secret = dir.path().join("join-secret");
    let state = dir.path().join("node");
    let mut node = Running::start(&[
        "node",
        "--role",
        "mix",
        "--layer",
        "2",
        "--name",
        "mix-2-0",
        "--state-dir",
        state.to_str().unwrap(),
        "--directory",
        &format!("mixbed://{address}"),
        "--authority-key",
        key.to_str().unwrap(),
        "--join-secret-file",
        secret.to_str().unwrap(),
        "--http",
        &http,
    ]);
    let reason = wait_for(SOON, || {
        std::net::TcpStream::connect(&http).ok()?;
        let (status, body) = get(&http, "/readyz");
        (status == 503 && body.contains(&address)).then_some(body)
    });
    assert!(reason.is_some(), "/readyz names the directory that is away");
    assert_eq!(get(&http, "/healthz").0, 200);

    let (directory, _) = start_directory(dir.path(), &address);
    node.line("ready: mix mix-2-0");
    assert_eq!(get(&http, "/readyz").0, 200);
    node.stop();
    directory.stop();
}

#[test]
fn a_document_signed_by_another_key_is_not_believed_and_status_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (directory, url) = start_directory(dir.path(), "127.0.0.1:0");
    let [port] = free_ports();
    let control = format!("127.0.0.1:{port}");
    let key = "ab".repeat(32);
    let client = Running::start(&[
        "client",
        "--directory",
        &url,
        "--authority-key",
        &key,
        "--control",
        &control,
    ]);
    let refused = wait_for(SOON, || {
        let output = run(&["status", "--json", "--control", &control]);
        let status: serde_json::Value = serde_json::from_str(&stdout(&output)).ok()?;
        let words = status["directory"]["words"].as_str()?.to_owned();
        (status["ready"] == false && words.contains("key")).then_some(words)
    });
    assert!(refused.expect("status says why").starts_with("connecting: "));
    assert_eq!(get(&control, "/readyz").0, 503);
    client.stop();
    directory.stop();
}

#[test]
fn a_net_of_processes_becomes_ready_and_forgets_who_leaves() {
    let mut net = Net::start(None);
    let status = net.status();
    assert_eq!(status["ready"], true, "{status}");
    assert_eq!(status["nodes"].as_array().unwrap().len(), 5, "{status}");
    assert_eq!(get(&net.control, "/readyz").0, 200);
    // A mix leaves: the client hears of it and is ready no more.
    net.nodes.remove(1).stop();
    let missing = wait_for(SOON, || {
        let status = net.status();
        let words = status["client"]["words"].as_str()?.to_owned();
        words.contains("a mix in layer 1").then_some(status)
    });
    assert_eq!(missing.expect("the client says what is missing")["ready"], false);
    assert_eq!(get(&net.control, "/readyz").0, 503);
    net.stop();
}

#[test]
fn started_again_while_the_directory_is_away_they_know_the_last_document() {
    let dir = tempfile::tempdir().unwrap();
    let (directory, url) = start_directory(dir.path(), "127.0.0.1:0");
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (key, secret) = (at("authority.pub"), at("join-secret"));
    let (mix_state, client_state) = (at("mix"), at("client"));
    let [port] = free_ports();
    let http = format!("127.0.0.1:{port}");
    let mix = ["node", "--role", "mix", "--layer", "1", "--name", "mix-1-0"];
    let mix = [&mix[..], &["--join-secret-file", &secret, "--http", &http]].concat();
    let client = ["client", "--control", &http];
    for (role, state) in [(&mix[..], &mix_state), (&client[..], &client_state)] {
        let common = ["--directory", &url, "--authority-key", &key, "--state-dir", state];
        let process = Running::start(&[role, &common].concat());
        let document = Path::new(state).join("document");
        assert!(wait_for(SOON, || document.exists().then_some(())).is_some(), "{role:?} keeps it");
        process.stop();
    }
    directory.stop();

    for (role, state) in [(&mix[..], &mix_state), (&client[..], &client_state)] {
        let common = ["--directory", &url, "--authority-key", &key, "--state-dir", state];
        let process = Running::start(&[role, &common].concat());
        let epoch = wait_for(SOON, || {
            std::net::TcpStream::connect(&http).ok()?;
            let (_, metrics) = get(&http, "/metrics");
            let line = metrics.lines().find(|line| line.starts_with("mixbed_document_epoch{"))?;
            line.rsplit(' ').next()?.parse::<u64>().ok().filter(|epoch| *epoch > 0)
        });
        assert!(epoch.is_some(), "{role:?} knows the document");
        assert_eq!(get(&http, "/readyz").0, 503, "and that it hears nothing new");
        process.stop();
    }
}
