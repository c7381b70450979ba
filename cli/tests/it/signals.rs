//! What ends a command, and how.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::children::{assert_gone, children};
use crate::support::{Running, SOON, get, is_free, mixbed, wait_for, word_after};

#[test]
fn a_hang_up_that_is_ignored_from_the_start_stays_ignored() {
    let mut command = mixbed(&["up", "--monerod", "none", "--control", "127.0.0.1:0"]);
    // As `nohup` starts it.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(command.get_program());
    shell.args(command.get_args()).env_clear().envs(std::env::var_os("PATH").map(|p| ("PATH", p)));
    command = shell;
    let mut up = Running::spawn(&mut command);
    let control = word_after(&up.line("ready: "), "control at ");
    let status = std::fs::read_to_string(format!("/proc/{}/status", up.pid())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
    assert_eq!(caught & 1, 0, "SIGHUP is listened to: {status}");
    assert_ne!(caught & 2, 0, "SIGINT is not: {status}");
    up.signal(Signal::HUP);
    assert_eq!(get(&control, "/healthz").0, 200);
    up.stop();
}

#[test]
fn before_the_network_is_ready_it_is_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["up", "--wallet", "--json", "--control", "127.0.0.1:0"];
    let mut up = Running::spawn(mixbed(&args).env("TMPDIR", dir.path()));
    let children = wait_for(SOON, || {
        let children = children(up.pid());
        children.iter().any(|child| child.runs("monerod")).then_some(children)
    });
    up.signal(Signal::INT);
    let (status, words) = up.wait(SOON);
    assert_eq!(status.code(), Some(1), "{words}");
    assert!(words.contains("error: stopped before the network was ready"), "{words}");
    assert_gone(&children.expect("up starts monerod"));
}

/// A PATH with monerod, and without what has the kernel kill it.
fn path_with_monerod_alone(dir: &Path) {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|dir| dir.join("monerod"));
    let program = found.into_iter().find(|path| path.is_file()).expect("monerod is installed");
    std::os::unix::fs::symlink(program, dir.join("monerod")).unwrap();
}

#[test]
fn a_second_one_ends_it_at_once_with_its_children_and_temporary_files() {
    let (path, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    path_with_monerod_alone(path.path());
    let mut command = mixbed(&["up", "--control", "127.0.0.1:0"]);
    command.env("PATH", path.path()).env("TMPDIR", temporary.path());
    let mut up = Running::spawn(&mut command);
    let control = word_after(&up.line("ready: "), "control at ");
    let children = children(up.pid());
    let monerod = children.iter().find(|child| child.runs("monerod")).expect("monerod runs");
    // It cannot end by itself, so that there is time for a second Ctrl-C. Whoever asks it to wakes it,
    // and it is stopped again at once.
    let pid = Pid::from_raw(i32::try_from(monerod.pid).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let (holding, held) = channel::<()>();
    thread::spawn(move || {
        while held.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::STOP);
        }
    });
    up.signal(Signal::INT);
    assert!(wait_for(SOON, || is_free(&control).then_some(())).is_some(), "it begins to stop");
    up.signal(Signal::INT);
    drop(holding);
    let (status, words) = up.wait(SOON);
    assert_eq!(status.code(), Some(130), "{words}");
    assert_gone(&children);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "temporary files stay behind");
}
