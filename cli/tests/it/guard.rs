//! Who is heard at the ports that a process opens: every port of every process, as the system lists them.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::processes::Net;
use crate::support::{Running, SOON, assert_fails, get, http, mixbed, run, wait_for, word_after};

/// The ports of 127.0.0.1 that a process listens on.
fn listeners(pid: u32) -> Vec<u16> {
    let sockets = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    let inodes: HashSet<String> = sockets
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| {
            let link = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(link.to_owned())
        })
        .collect();
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).expect("a table");
    let listening = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_ours = fields.get(3) == Some(&"0A") && inodes.contains(*fields.get(9)?);
        let port = u16::from_str_radix(fields.get(1)?.rsplit_once(':')?.1, 16).ok()?;
        is_ours.then_some(port)
    });
    listening.collect()
}

/// What a port says to a request; nothing if it speaks no HTTP.
fn said(port: u16, method: &str, path: &str, headers: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a socket");
    let head = format!(
        "{method} {path} HTTP/1.1\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    // Who hears no HTTP may close at once.
    let _ = stream.write_all(head.as_bytes());
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..read]);
        if answer.len() >= 12 {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// What pages and others' names do, at any port: `Host` of its own aside.
fn strangers(port: u16) -> Vec<String> {
    let own = format!("Host: 127.0.0.1:{port}\r\n");
    vec![
        String::new(),
        "Host: rebound.example\r\n".to_owned(),
        format!("Host: rebound.example:{port}\r\n"),
        format!("Host: 127.0.0.1.rebound.example:{port}\r\n"),
        "Host: 127.0.0.1:1\r\n".to_owned(),
        format!("{own}Host: rebound.example\r\n"),
        format!("{own}Origin: http://rebound.example\r\n"),
        format!("{own}Origin: null\r\n"),
        format!("{own}Origin: http://127.0.0.1:{port}\r\n"),
        format!("{own}Sec-Fetch-Site: cross-site\r\n"),
        format!("{own}Sec-Fetch-Site: same-site\r\n"),
        format!("{own}Referer: http://rebound.example/\r\n"),
    ]
}

const PATHS: [(&str, &str); 9] = [
    ("GET", "/"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/v1/status"),
    ("POST", "/v1/fund?address=4&outputs=1"),
    ("POST", "/json_rpc"),
    ("GET", "/v-81f3"),
    ("OPTIONS", "/v1/broadcast"),
];

/// No stranger is heard at any port of a process, and as many ports speak HTTP as are known to.
fn assert_guarded(process: &Running, served: usize) {
    let ports: Vec<_> = listeners(process.pid())
        .into_iter()
        .map(|port| std::thread::spawn(move || port_is_guarded(port).then_some(port)))
        .collect();
    let serving: Vec<_> = ports.into_iter().filter_map(|port| port.join().unwrap()).collect();
    assert_eq!(serving.len(), served, "ports that serve HTTP: {serving:?}");
}

/// Whether a port serves HTTP; then no stranger is heard there.
fn port_is_guarded(port: u16) -> bool {
    let own = format!("Host: 127.0.0.1:{port}\r\n");
    // A link's port says nothing, and a directory speaks no HTTP.
    if said(port, "GET", "/healthz", &own).is_none() {
        return false;
    }
    let serves = PATHS.iter().any(|(method, path)| said(port, method, path, &own) == Some(200));
    for (method, path) in PATHS {
        for headers in strangers(port) {
            let status = said(port, method, path, &headers);
            let case = format!("{method} {path} at {port}: {headers:?}: {status:?}");
            // A request without a host, or with two, may be no request; at SOCKS nothing is one.
            assert!(matches!(status, Some(400 | 403) | None), "{case}");
        }
    }
    serves
}

#[test]
fn no_port_of_a_net_in_one_process_hears_pages_or_strange_names() {
    let mut up = Running::start(&[
        "up",
        "--control",
        "127.0.0.1:0",
        "--socks",
        "127.0.0.1:0",
        "--monero-rpc",
        "127.0.0.1:0",
    ]);
    up.line_within(Duration::from_secs(120), "ready: ");
    // Control, daemon RPC, miner.
    assert_guarded(&up, 3);
    up.stop();
}

#[test]
fn no_port_of_a_net_of_processes_does() {
    let net = Net::start(None);
    assert_guarded(net.client(), 1);
    for node in &net.nodes {
        assert_guarded(node, 1);
    }
    assert_guarded(net.directory_process(), 1);
    net.stop();
    let miner =
        Running::start(&["miner", "--monerod", "http://127.0.0.1:9", "--http", "127.0.0.1:0"]);
    let listens = wait_for(SOON, || (!listeners(miner.pid()).is_empty()).then_some(()));
    listens.expect("it listens, though there is no monerod");
    assert_guarded(&miner, 1);
    miner.stop();
}

#[test]
fn a_name_that_is_allowed_is_heard() {
    let mut up = Running::start(&[
        "up",
        "--monerod",
        "none",
        "--control",
        "127.0.0.1:0",
        "--allow-host",
        "mixbed.example",
    ]);
    let control = word_after(&up.line("ready: "), "control at ");
    let ask = |host: &str| {
        let head = format!("GET /metrics HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        http(&control, &head).0
    };
    assert_eq!(
        (ask("mixbed.example"), ask("mixbed.example:81"), ask("other.example")),
        (200, 200, 403)
    );
    up.stop();
}

#[test]
fn a_control_api_with_a_login_wants_it_and_is_not_told_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut command =
        mixbed(&["up", "--monerod", "none", "--control", "127.0.0.1:0", "--control-login"]);
    let mut up = Running::spawn(command.current_dir(dir.path()));
    let control = word_after(&up.line("ready: "), "control at ");
    assert_eq!(get(&control, "/healthz").0, 200, "a kubelet has no login");
    for path in ["/metrics", "/v1/status", "/v1/broadcasts", "/"] {
        assert_eq!(get(&control, path).0, 401, "{path}");
    }
    assert_fails(
        &run(&["status", "--control", &control]),
        1,
        &["wants a login", "--control-login"],
    );
    let file = dir.path().join("mixbed.login");
    let login = std::fs::read_to_string(&file).expect("it was drawn");
    let password = login.trim().split_once(':').expect("a password").1.to_owned();
    let given = ["status", "--control", &control, "--control-login"];
    let by_file = format!("@{}", file.display());
    for how in [by_file.as_str(), login.trim()] {
        assert!(run(&[&given[..], &[how]].concat()).status.success());
    }
    let mut variable = mixbed(&["status", "--control", &control]);
    assert!(variable.env("MIXBED_CONTROL_LOGIN", &by_file).output().unwrap().status.success());
    let wrong = run(&[&given[..], &["mixbed:wrong"]].concat());
    assert_fails(&wrong, 1, &["wants a login"]);
    let words = up.stop_and_words();
    assert!(!words.contains(&password), "{words}");
}
