//! The help teaches.

use crate::support::{run, stdout};

const COMMANDS: [&str; 18] = [
    "nodes",
    "admin-key",
    "demo",
    "up",
    "broadcast",
    "broadcasts",
    "status",
    "trace",
    "address",
    "send",
    "receive",
    "impair",
    "directory",
    "node",
    "client",
    "miner",
    "fund",
    "config",
];

#[test]
fn every_command_has_help_with_examples() {
    for command in COMMANDS {
        let output = run(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let text = stdout(&output);
        assert!(text.contains("Usage: mixbed"), "{command}: {text}");
        assert!(text.contains("Examples"), "{command}: {text}");
        assert!(text.contains(&format!("mixbed {command}")), "{command}: {text}");
    }
}

#[test]
fn the_overview_names_every_command_and_the_exit_codes() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    for command in COMMANDS {
        assert!(text.contains(&format!("  {command}  ")), "{command}: {text}");
    }
    assert!(text.contains("Exit codes: 0"), "{text}");
}

#[test]
fn flags_show_their_defaults_and_variables() {
    let text = stdout(&run(&["directory", "--help"]));
    assert!(text.contains("[default: 127.0.0.1:7100]"), "{text}");
    assert!(text.contains("[env: MIXBED_LISTEN]"), "{text}");
}

#[test]
fn the_docs_name_every_command() {
    let docs = include_str!("../../../docs/cli.md");
    for command in COMMANDS {
        assert!(docs.contains(&format!("`mixbed {command}")), "{command} is not in docs/cli.md");
    }
}
