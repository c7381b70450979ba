//! Who may be a node: shown and changed at a running directory.

use serde_json::Value;

use crate::processes::start_directory;
use crate::support::{Running, SOON, assert_fails, run, stderr, stdout, wait_for};

#[test]
fn a_list_lets_in_who_is_on_it_without_a_secret_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let (directory, url) = start_directory(dir.path(), "127.0.0.1:0");
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (key, admin, keys) = (file("authority.pub"), file("admin.key"), file("keys"));
    let at = ["--directory", &url, "--authority-key", &key];
    let nodes = |args: &[&str]| run(&[&["nodes"], args, &at].concat());
    let ordered = |args: &[&str]| nodes(&[args, &["--admin-key-file", &admin]].concat());
    assert!(stdout(&nodes(&["list"])).contains("whoever knows the join secret"));

    // The public half of a key made of bytes that are all 1.
    std::fs::write(&keys, format!("identity {}\nlink {}\n", "01".repeat(32), "02".repeat(32)))
        .unwrap();
    let identity = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
    let list = file("nodes.yaml");
    let row = format!("- {{name: mix-1-0, identity: {identity}, role: mix, layer: 1}}\n");
    std::fs::write(&list, &row).unwrap();
    assert_fails(&nodes(&["set", &list]), 2, &["no admin key", "--admin-key-file"]);
    let set = ordered(&["set", &list, "--json"]);
    let shown: Value =
        serde_json::from_str(&stdout(&set)).unwrap_or_else(|_| panic!("{}", stderr(&set)));
    assert_eq!(shown["listed"], true);
    assert_eq!(shown["nodes"][0]["identity"], identity);
    assert_eq!(shown["registered"], serde_json::json!([]));

    let secret = file("join-secret");
    let node = |name: &str, args: &[&str]| {
        let node = ["node", "--role", "mix", "--layer", "1", "--name", name];
        Running::start(&[&node[..], &at, &["--http", "127.0.0.1:0"], args].concat())
    };
    let stranger = node("mix-1-9", &["--join-secret-file", &secret]);
    let mut listed = node("mix-1-0", &["--keys-file", &keys]);
    listed.line("ready: mix mix-1-0");
    let names = || {
        let shown: Value = serde_json::from_str(&stdout(&nodes(&["list", "--json"]))).ok()?;
        Some(shown["registered"].clone())
    };
    let registered = wait_for(SOON, || names().filter(|names| *names != serde_json::json!([])));
    assert_eq!(registered, Some(serde_json::json!(["mix-1-0"])), "and not the stranger");

    // What was shown can be set again; what is no list is refused and changes nothing.
    std::fs::write(&list, stdout(&nodes(&["list", "--json"]))).unwrap();
    assert!(stdout(&ordered(&["set", &list])).contains(identity));
    std::fs::write(&list, format!("{row}{row}")).unwrap();
    assert_fails(&ordered(&["set", &list]), 2, &["nodes.yaml", "mix-1-0", "twice"]);
    assert_fails(&ordered(&["remove", "mix-3-7"]), 1, &["mix-3-7", "mixbed nodes list"]);
    assert!(stdout(&ordered(&["remove", "mix-1-0"])).contains("nobody else: none"));
    assert!(stdout(&ordered(&["open"])).contains("whoever knows the join secret"));
    for process in [stranger, listed, directory] {
        process.stop();
    }
}
