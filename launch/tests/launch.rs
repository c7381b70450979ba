//! The program, with scripts in place of Monero's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const LAUNCH: &str = env!("CARGO_BIN_EXE_mixbed-launch");

/// A program that lists `option` among its own, and says what else it is started with.
fn program(folder: &TempDir, name: &str, option: &str) -> PathBuf {
    let path = folder.path().join(name);
    let help = format!(
        "Monero 'Fluorine Fermi' (v0.18.4.0-release)\n  --help   Help\n  {option}   Or not\n"
    );
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --help ]; then cat <<'END'\n{help}END\nexit 1\nfi\necho \"$$ $*\"\nexit 7\n"
    );
    fs::write(&path, script).expect("the system does it");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the system does it");
    path
}

/// Tried again where a script is still open for writing in a process that another test has just made.
fn launch(program: &Path, arguments: &[&str]) -> (u32, Output) {
    loop {
        let mut command = Command::new(program);
        let child = command
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the system does it");
        let pid = child.id();
        let output = child.wait_with_output().expect("the system does it");
        if !String::from_utf8_lossy(&output.stderr).contains("Text file busy") {
            return (pid, output);
        }
    }
}

#[test]
fn it_becomes_the_program_with_the_option_that_it_knows() {
    let folder = tempfile::tempdir().expect("the system does it");
    for (option, further) in [
        ("--allow-mismatched-daemon-version", " --allow-mismatched-daemon-version"),
        ("--other", ""),
    ] {
        let wallet = program(&folder, "wallet", option);
        let wallet = wallet.to_str().expect("the system does it");
        let (pid, output) = launch(Path::new(LAUNCH), &["run", wallet, "--a=1", "two words"]);
        let said = String::from_utf8(output.stdout).expect("the system does it");
        assert_eq!(said, format!("{pid} --a=1 two words{further}\n"), "the same process");
        assert_eq!(output.status.code(), Some(7), "and its end");
        assert!(String::from_utf8(output.stderr).expect("the system does it").contains("0.18.4.0"));
    }
}

#[test]
fn a_copy_of_itself_can_be_started() {
    let folder = tempfile::tempdir().expect("the system does it");
    let (_, output) =
        launch(Path::new(LAUNCH), &["copy", folder.path().to_str().expect("the system does it")]);
    assert!(output.status.success(), "{output:?}");
    let wallet = program(&folder, "wallet", "--other");
    let copy = folder.path().join("mixbed-launch");
    let (_, output) = launch(&copy, &["run", wallet.to_str().expect("the system does it")]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
}

#[test]
fn what_it_cannot_do_it_says() {
    for (arguments, code, words) in [
        (
            vec!["run", "/nowhere/wallet"],
            1,
            "cannot ask /nowhere/wallet for its --help: No such file",
        ),
        (vec!["copy", "/nowhere"], 1, "cannot copy itself to /nowhere/mixbed-launch: No such file"),
        (vec![], 2, "mixbed-launch run PROGRAM ARG..."),
        (vec!["run"], 2, "--allow-mismatched-daemon-version"),
    ] {
        let (_, output) = launch(Path::new(LAUNCH), &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let said = String::from_utf8(output.stderr).expect("the system does it");
        assert!(said.contains(words), "{said}");
    }
}
