//! A monero-wallet-rpc.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use tempfile::TempDir;

use super::process::Process;
use super::{Program, RegtestError, WalletRpcOptions, ports};
use crate::{Daemon, Wallet};

const NAME: &str = "monero-wallet-rpc";

/// How often another port is tried when somebody took one between choosing and binding it.
const TRIES: u32 = 5;

/// One question of the wait for readiness.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// A monero-wallet-rpc, a child of this process. Dropping it kills it.
#[derive(Debug)]
pub struct WalletRpc {
    process: Process,
    wallet: Wallet,
    _temporary: Option<TempDir>,
}

impl WalletRpc {
    /// Starts monero-wallet-rpc against `daemon` and waits until it answers. No wallet is open
    /// yet.
    pub async fn start(daemon: &Daemon, options: WalletRpcOptions) -> Result<Self, RegtestError> {
        Self::start_with(daemon, options, |_| Ok(())).await
    }

    /// As [`WalletRpc::start`], after `prepare` has put something into the wallet directory.
    pub(crate) async fn start_with(
        daemon: &Daemon,
        options: WalletRpcOptions,
        prepare: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<Self, RegtestError> {
        let program = Program::look(&options.program, options.start_deadline).await?;
        let (wallet_dir, temporary) = super::directory(options.wallet_dir.as_deref())?;
        prepare(&wallet_dir)
            .map_err(|source| RegtestError::Directory { path: wallet_dir.clone(), source })?;
        if let Some(port) = options.rpc_port {
            ports::check_free(port, NAME)?;
        }
        let mut tries = 0;
        let (process, wallet) = loop {
            tries += 1;
            let [free] = ports::free(NAME)?;
            let port = options.rpc_port.unwrap_or(free);
            let mut args = args(daemon, &wallet_dir, port);
            args.extend(program.known());
            args.extend(options.extra_args.iter().cloned());
            let output = wallet_dir.join("wallet-rpc.out");
            let mut process = Process::start(NAME, program.path(), &args, output).await?;
            let wallet = Wallet::new(&super::loopback_url(port))?;
            let probe = wallet.clone().with_timeout(PROBE_TIMEOUT);
            let ready = || async { probe.version().await.is_ok() };
            match process.wait_until(options.start_deadline, ready).await {
                Err(RegtestError::ExitedEarly { log, .. })
                    if tries < TRIES && super::bind_failed(&log) => {}
                Err(error) => return Err(error),
                Ok(()) => break (process, wallet),
            }
        };
        Ok(Self { process, wallet, _temporary: temporary })
    }

    /// A client for it.
    #[must_use]
    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// The process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The end of what it printed.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.process.last_words()
    }

    /// Ends it at once, as a crash would (SIGKILL).
    pub fn kill(&mut self) -> Result<ExitStatus, RegtestError> {
        self.process.kill()
    }

    /// Ends it gently (SIGTERM), and by force if that takes longer than ten seconds.
    pub async fn stop(&mut self) -> Result<ExitStatus, RegtestError> {
        self.process.stop().await
    }
}

fn args(daemon: &Daemon, wallet_dir: &Path, port: u16) -> Vec<String> {
    let daemon_address = daemon.url().trim_start_matches("http://");
    let mut args: Vec<String> = [
        "--rpc-bind-ip=127.0.0.1",
        "--disable-rpc-login",
        "--rpc-ssl=disabled",
        "--daemon-ssl=disabled",
        "--trusted-daemon",
        "--no-dns",
        "--log-level=0",
    ]
    .map(str::to_owned)
    .to_vec();
    args.push(format!("--wallet-dir={}", wallet_dir.display()));
    args.push(format!("--shared-ringdb-dir={}", wallet_dir.join("ring").display()));
    args.push(format!("--log-file={}", wallet_dir.join("wallet.log").display()));
    args.push(format!("--rpc-bind-port={port}"));
    args.push(format!("--daemon-address={daemon_address}"));
    args
}
