//! Configuration files.

use std::path::PathBuf;

use crate::support::{assert_fails, mixbed, run, stdout};

const WHICH: [&str; 4] = ["directory", "node", "client", "up"];

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md")
}

#[test]
fn what_is_printed_is_accepted_as_a_file() {
    let dir = tempfile::tempdir().unwrap();
    for which in ["directory", "node", "client"] {
        let path = dir.path().join(which);
        std::fs::write(&path, &run(&["config", which]).stdout).unwrap();
        // The file is read; what is missing is what has no default.
        let read = ["--config", path.to_str().unwrap()];
        // The port in it may be another program's.
        let free: &[&str] = if which == "client" { &["--control", "127.0.0.1:0"] } else { &[] };
        let output = run(&[&[which], &read[..], free].concat());
        let missing = if which == "directory" { "join secret" } else { "--" };
        assert_fails(&output, 2, &["error: no ", missing]);
    }
}

/// `UPDATE=1 cargo test -p mixbed` writes the page anew.
#[test]
fn the_documentation_has_what_is_printed() {
    let mut page = std::fs::read_to_string(docs()).unwrap();
    let before = page.clone();
    for which in WHICH {
        let printed = stdout(&run(&["config", which]));
        let start = format!("<!-- mixbed config {which} -->\n```yaml\n");
        let from = page.find(&start).unwrap_or_else(|| panic!("no {start:?} in the page"));
        let from = from + start.len();
        let to = from + page[from..].find("```\n").expect("the block ends");
        page.replace_range(from..to, &printed);
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(docs(), page).unwrap();
    } else {
        assert!(
            page == before,
            "docs/configuration.md is old: UPDATE=1 cargo test -p mixbed config"
        );
    }
}

#[test]
fn a_misspelt_key_is_named_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.yaml");
    std::fs::write(&path, "role: mix\nlayr: 2\n").unwrap();
    let output = run(&["node", "--config", path.to_str().unwrap()]);
    assert_fails(&output, 2, &["node.yaml:2: unknown key `layr`", "did you mean `layer`?"]);
}

#[test]
fn a_variable_is_heard_and_a_flag_wins() {
    let role = |args: &[&str]| {
        let mut command = mixbed(&[&["node"], args].concat());
        command.env("MIXBED_ROLE", "gateway").env("MIXBED_LAYER", "2").output().unwrap()
    };
    assert_fails(&role(&[]), 2, &["only a mix has a layer"]);
    assert_fails(&role(&["--role", "mix"]), 2, &["error: no name"]);
}
