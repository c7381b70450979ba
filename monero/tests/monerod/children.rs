//! Starting, stopping and losing the children.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mixbed_monero::{Monerod, MonerodOptions, RegtestError, WalletRpc, WalletRpcOptions};
use rustix::process::{Pid, test_kill_process};

use crate::common::{nobody, stock};

fn alive(pid: u32) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    test_kill_process(pid).is_ok()
}

async fn gone_soon(pid: u32) -> bool {
    let begin = Instant::now();
    while alive(pid) {
        if begin.elapsed() > Duration::from_secs(10) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}

#[tokio::test]
async fn an_absent_program_says_how_to_get_it() {
    let program = PathBuf::from("/nowhere/monerod");
    let error = Monerod::start(MonerodOptions { program, ..MonerodOptions::default() }).await;
    let error = error.err().unwrap();
    assert!(matches!(error, RegtestError::NotInstalled { .. }));
    assert!(error.to_string().contains("apt-get install monero"), "{error}");
    let program = PathBuf::from("monero-wallet-rpc-that-is-not-there");
    let options = WalletRpcOptions { program, ..WalletRpcOptions::default() };
    let error = WalletRpc::start(&nobody(), options).await.err().unwrap();
    assert!(error.to_string().contains("apt-get install monero"), "{error}");
}

#[tokio::test]
async fn a_port_in_use_is_said_before_anything_is_started() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let options = MonerodOptions { rpc_port: Some(port), ..MonerodOptions::default() };
    let error = Monerod::start(options).await.err().unwrap();
    assert!(matches!(error, RegtestError::PortInUse { port: p, .. } if p == port), "{error:?}");
    let options = WalletRpcOptions { rpc_port: Some(port), ..WalletRpcOptions::default() };
    let error = WalletRpc::start(&nobody(), options).await.err().unwrap();
    assert!(matches!(error, RegtestError::PortInUse { port: p, .. } if p == port), "{error:?}");
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_quoted() {
    let extra_args = vec!["--no-such-option".to_owned()];
    let error = Monerod::start(MonerodOptions { extra_args, ..MonerodOptions::default() }).await;
    let error = error.err().unwrap();
    assert!(matches!(error, RegtestError::ExitedEarly { .. }), "{error:?}");
    assert!(error.to_string().contains("no-such-option"), "{error}");
}

#[tokio::test]
async fn a_program_that_never_answers_is_given_up_and_ended() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("mute");
    let pid_file = dir.path().join("pid");
    let script = format!("#!/bin/sh\necho $$ > {}\nexec sleep 600\n", pid_file.display());
    std::fs::write(&program, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&program, executable).unwrap();
    let mut start_deadline = Duration::from_millis(500);
    // On a busy machine it may take a while until even the program has said who it is.
    let pid = loop {
        let program = program.clone();
        let options = MonerodOptions { program, start_deadline, ..MonerodOptions::default() };
        let error = Monerod::start(options).await.err().unwrap();
        assert!(matches!(error, RegtestError::NotReady { .. }), "{error:?}");
        let said = std::fs::read_to_string(&pid_file).unwrap_or_default();
        if let Ok(pid) = said.trim().parse() {
            break pid;
        }
        assert!(start_deadline < Duration::from_secs(30), "it never ran");
        start_deadline *= 2;
    };
    assert!(gone_soon(pid).await);
}

#[tokio::test]
async fn two_daemons_do_not_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = Some(dir.path().to_owned());
    let options = MonerodOptions { data_dir, ..MonerodOptions::default() };
    let mut first = Monerod::start(options.clone()).await.unwrap();
    let error = Monerod::start(options.clone()).await.err().unwrap();
    assert!(matches!(error, RegtestError::DirectoryInUse { .. }), "{error:?}");
    first.stop().await.unwrap();
    drop(first);
    Monerod::start(options).await.unwrap();
    assert!(dir.path().join("fake").is_dir(), "a given directory is kept");
}

#[tokio::test]
async fn a_stop_is_gentle_a_restart_keeps_chain_and_address() {
    let options = MonerodOptions::default();
    let mut monerod = stock().await.monerod(options).await.unwrap();
    let (height, url, dir) = (
        monerod.daemon().get_info().await.unwrap().height,
        monerod.url().to_owned(),
        monerod.data_dir().to_owned(),
    );
    assert!(monerod.stop().await.unwrap().success());
    assert!(monerod.daemon().get_info().await.is_err());
    monerod.restart().await.unwrap();
    assert_eq!(monerod.url(), url);
    assert_eq!(monerod.daemon().get_info().await.unwrap().height, height);
    let pid = monerod.pid();
    drop(monerod);
    assert!(!alive(pid), "a dropped daemon is gone");
    assert!(!dir.exists(), "and so is its temporary directory");
}

#[tokio::test]
async fn a_paused_daemon_can_be_stopped() {
    let mut monerod = Monerod::start(MonerodOptions::default()).await.unwrap();
    monerod.pause().unwrap();
    assert!(monerod.stop().await.unwrap().success());
}

#[tokio::test]
async fn many_daemons_side_by_side_get_ports_of_their_own() {
    let (a, b) = tokio::join!(
        Monerod::start(MonerodOptions::default()),
        Monerod::start(MonerodOptions::default()),
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_ne!(a.url(), b.url());
}

/// Tells the parent that is to be killed where to keep its files.
const DIRECTORY: &str = "MIXBED_TEST_DIRECTORY";

/// Not a test: the parent that `children_die_with_a_parent_that_is_killed` kills.
#[tokio::test]
#[ignore = "run by another test, as a program of its own"]
async fn parent_to_be_killed() {
    // A killed parent removes no temporary directories: the test that kills it does.
    let dir = PathBuf::from(env::var_os(DIRECTORY).unwrap());
    // Started on a thread that ends: the children must be tied to the process, not to it.
    let started = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let data_dir = Some(dir.join("chain"));
            let options = MonerodOptions { data_dir, ..MonerodOptions::default() };
            let monerod = Monerod::start(options).await.unwrap();
            let wallet_dir = Some(dir.join("wallets"));
            let options = WalletRpcOptions { wallet_dir, ..WalletRpcOptions::default() };
            let rpc = WalletRpc::start(monerod.daemon(), options).await.unwrap();
            (monerod, rpc)
        })
    });
    let (monerod, rpc) = started.join().unwrap();
    monerod.daemon().get_info().await.unwrap();
    println!("children {} {}", monerod.pid(), rpc.pid());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn children_die_with_a_parent_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Command::new(env::current_exe().unwrap())
        .env(DIRECTORY, dir.path())
        .args(["--exact", "children::parent_to_be_killed", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.contains("children ")).unwrap();
    let (_, numbers) = line.split_once("children ").unwrap();
    let pids: Vec<u32> = numbers.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| alive(*pid)), "{pids:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    for pid in pids {
        assert!(gone_soon(pid).await, "{pid} outlived its parent");
    }
}
