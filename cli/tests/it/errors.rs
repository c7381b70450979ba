//! What is asked wrongly is answered with one clear line and the right exit code.

use std::io::{Read as _, Write as _};

use mixbed_monero::testing::free_ports;

use crate::support::{assert_fails, mixbed, run, run_with_input, taken_port};

#[test]
fn unknown_words_on_the_command_line() {
    assert_fails(&run(&["node", "--role", "relay"]), 2, &["relay", "gateway, mix, provider"]);
    assert_fails(&run(&["statsu"]), 2, &["statsu", "status"]);
    assert_fails(&run(&["up", "--gatewys", "3"]), 2, &["--gatewys", "--gateways"]);
    assert_fails(&run(&["--log-format", "xml", "status"]), 2, &["xml", "json"]);
    assert_fails(&run(&["config", "wallet"]), 2, &["wallet", "directory"]);
    assert_fails(&run(&["trace", "12ab"]), 2, &["64 hexadecimal digits"]);
    assert_fails(&run(&["broadcast", "02", "--deadline", "60"]), 2, &["--deadline", "60", "ms"]);
    for deadline in ["0s", "999us", "301s", "10m"] {
        let output = run(&["broadcast", "02", "--deadline", deadline]);
        assert_fails(&output, 2, &["--deadline", deadline, "a deadline is 1 ms to 300 s"]);
    }
    assert_fails(&run(&["broadcast", "/no/such"]), 2, &["no such file", "/no/such"]);
    let flags = ["--role", "--name", "--authority-key"];
    assert_fails(&run(&["node"]), 2, &flags);
}

#[test]
fn roles_that_make_no_sense() {
    let key = "ab".repeat(32);
    let node = |args: &[&str]| {
        let all = ["node", "--name", "a", "--authority-key", &key];
        let mut command = mixbed(&[&all, args].concat());
        command.env("MIXBED_JOIN_SECRET", "0123456789abcdef").output().unwrap()
    };
    assert_fails(&node(&["--role", "mix"]), 2, &["layer, 1 to 3", "--layer"]);
    assert_fails(&node(&["--role", "mix", "--layer", "4"]), 2, &["1 to 3, not 4"]);
    let monerod = ["--role", "gateway", "--monerod", "http://127.0.0.1:1"];
    assert_fails(&node(&monerod), 2, &["only a provider has a monerod"]);
    assert_fails(&run(&["up", "--monerod", "none", "--gateways", "0"]), 2, &["--gateways is 1 to"]);
    assert_fails(&run(&["up", "--monerod", "none", "--wallet"]), 2, &["regtest only"]);
    let otlp = ["up", "--monerod", "none", "--control", "127.0.0.1:0", "--otlp", "nonsense"];
    assert_fails(&run(&otlp), 2, &["nonsense", "4317"]);
}

#[test]
fn a_join_secret_is_never_an_argument_and_long_enough() {
    let key = "ab".repeat(32);
    let node = ["node", "--role", "gateway", "--name", "a", "--authority-key", &key];
    let argument = [&node[..], &["--join-secret", "0123456789abcdef"]].concat();
    assert_fails(&run(&argument), 2, &["--join-secret"]);
    let mut short = mixbed(&node);
    let output = short.env("MIXBED_JOIN_SECRET", "short").output().unwrap();
    assert_fails(&output, 2, &["MIXBED_JOIN_SECRET", "16 to 1024"]);
}

#[test]
fn a_port_in_use_is_named_with_its_flag() {
    let (_listener, port) = taken_port();
    let address = format!("127.0.0.1:{port}");
    let words = |flag| [format!("port {port} is in use"), flag];
    let check = |args: &[&str], flag: &str| {
        let mut command = mixbed(args);
        let output = command.env("MIXBED_JOIN_SECRET", "0123456789abcdef").output().unwrap();
        let words = words(flag.to_owned());
        assert_fails(&output, 1, &[&words[0], &words[1]]);
    };
    let up = ["up", "--monerod", "none"];
    check(&[&up[..], &["--control", &address]].concat(), "--control");
    check(
        &[&up[..], &["--control", "127.0.0.1:0", "--directory", &address]].concat(),
        "--directory",
    );
    check(&["directory", "--http", "127.0.0.1:0", "--listen", &address], "--listen");
    check(&["directory", "--listen", "127.0.0.1:0", "--http", &address], "--http");
    let key = "ab".repeat(32);
    let node = ["node", "--role", "gateway", "--name", "a", "--authority-key", &key];
    check(&[&node[..], &["--listen", &address]].concat(), "--listen");
    check(&["client", "--authority-key", &key, "--control", &address], "--control");
}

#[test]
fn what_is_no_transaction_is_said_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let broadcast = |what: &str| run(&["broadcast", what, "--control", "127.0.0.1:1"]);
    assert_fails(&broadcast(&file("empty", b"")), 2, &["empty is empty"]);
    assert_fails(&broadcast(&file("words", b"not a transaction\n")), 2, &["words", "`n`", "hexa"]);
    assert_fails(&broadcast(&file("odd", b"02ab0\n")), 2, &["odd", "odd number", "(5)"]);
    assert_fails(&broadcast(&file("large", &vec![2; 2_000_000])), 2, &["large is larger than"]);
    assert_fails(&broadcast("no-such-file"), 2, &["neither a file nor hexadecimal"]);
    assert_fails(&broadcast("02abc"), 2, &["odd number"]);
    assert_fails(&broadcast(dir.path().to_str().unwrap()), 2, &["cannot read"]);
    let from_stdin =
        |input: &[u8]| run_with_input(&["broadcast", "-", "--control", "127.0.0.1:1"], input);
    assert_fails(&from_stdin(b""), 2, &["standard input is empty"]);
    assert_fails(&from_stdin(&vec![2; 4_000_000]), 2, &["standard input is larger than"]);
}

#[test]
fn without_a_network_they_say_how_to_start_one() {
    // Nobody listens there: the listener is gone.
    let [port] = free_ports();
    let control = format!("127.0.0.1:{port}");
    let id = "ab".repeat(32);
    for args in [&["status"][..], &["broadcast", "02ab"], &["trace", &id]] {
        let output = run(&[args, &["--control", &control]].concat());
        assert_fails(&output, 1, &[&control, "mixbed up", "--control"]);
    }
    let output = run(&["status", "--control", "https://example.org"]);
    assert_fails(&output, 2, &["no control address", "--control"]);
}

#[test]
fn what_listens_and_is_no_mixbed_is_said_so() {
    let (listener, port) = taken_port();
    let control = format!("127.0.0.1:{port}");
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_10.0\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let output = run(&["status", "--control", &control]);
    assert_fails(&output, 1, &[&control, "is no mixbed", "does not speak HTTP"]);
    other.join().unwrap();
}
