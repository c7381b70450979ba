//! How a regtest monerod is started: its command line, its ports, its directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::Process;
use super::{MonerodOptions, RegtestError, ports};
use crate::Daemon;
use crate::greeting::greet;
use crate::rpc::{Access, Fingerprint, Trust};

pub(super) const NAME: &str = "monerod";

/// One question of the wait for readiness: monerod answers within milliseconds once it listens.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// What a start needs, kept for restarts.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) program: PathBuf,
    pub(super) data_dir: PathBuf,
    pub(super) options: MonerodOptions,
    pub(super) ports: Ports,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    p2p: u16,
    rpc: u16,
    /// Of the restricted RPC listener, if there is one.
    pub(super) restricted: Option<u16>,
}

impl Ports {
    pub(super) fn choose(options: &MonerodOptions) -> Result<Self, RegtestError> {
        let [p2p, rpc, restricted] = ports::free(NAME)?;
        Ok(Self {
            p2p: options.p2p_port.unwrap_or(p2p),
            rpc: options.rpc_port.unwrap_or(rpc),
            restricted: options.restricted.then_some(restricted),
        })
    }
}

impl Plan {
    /// Starts monerod and waits until it answers.
    pub(super) async fn launch(&self) -> Result<(Process, Daemon), RegtestError> {
        let output = self.data_dir.join("monerod.out");
        let mut process = Process::start(NAME, &self.program, &self.args(), output).await?;
        let daemon = self.daemon(&mut process).await?;
        let probe = daemon.clone().with_timeout(PROBE_TIMEOUT);
        let alone = self.is_alone();
        let ready = || async {
            match probe.get_info().await {
                Ok(info) if alone && !info.synchronized => {
                    if let Err(error) = greet(&probe, &self.own_place()).await {
                        tracing::debug!(%error, "monerod waits for a peer; trying on");
                    }
                    false
                }
                answer => answer.is_ok(),
            }
        };
        process.wait_until(self.options.start_deadline, ready).await?;
        Ok((process, daemon))
    }

    /// A client for it, as soon as it is known what to expect of it.
    async fn daemon(&self, process: &mut Process) -> Result<Daemon, RegtestError> {
        let Some(login) = &self.options.login else {
            return Ok(Daemon::new(&super::loopback_url(self.ports.rpc))?);
        };
        let certificate = || std::fs::read(self.data_dir.join("rpc_ssl.crt")).unwrap_or_default();
        let is_made = || async { Fingerprint::of_pem(&certificate()).is_some() };
        process.wait_until(self.options.start_deadline, is_made).await?;
        let trust = Fingerprint::of_pem(&certificate()).map(Trust::Fingerprint).unwrap_or_default();
        let access = Access { login: Some(login.clone()), trust };
        Ok(Daemon::with_access(&format!("https://127.0.0.1:{}", self.ports.rpc), &access)?)
    }

    /// Whether it has no peers and shall not miss them. It is started as one that has them
    /// nevertheless: some wallets take a monerod that is `--offline` for a dead one. Its only peer
    /// is itself, which it refuses, so it looks for no other; and [`greet`] tells it that nobody is
    /// ahead of it.
    fn is_alone(&self) -> bool {
        self.options.peers.is_empty() && !self.options.busy
    }

    /// Where it listens for peers.
    fn own_place(&self) -> String {
        format!("127.0.0.1:{}", self.ports.p2p)
    }

    fn args(&self) -> Vec<String> {
        let mut args: Vec<String> = [
            "--regtest",
            "--fixed-difficulty=1",
            // Without it every restart begins a new chain.
            "--keep-fakechain",
            "--non-interactive",
            "--no-igd",
            "--no-zmq",
            "--disable-rpc-ban",
            // All clients of a provider come from one address: 25 would be too few.
            "--rpc-max-connections-per-private-ip=256",
            "--rpc-max-connections=512",
            "--disable-dns-checkpoints",
            "--check-updates=disabled",
            "--p2p-bind-ip=127.0.0.1",
            "--rpc-bind-ip=127.0.0.1",
            "--log-level=0",
        ]
        .map(str::to_owned)
        .to_vec();
        match &self.options.login {
            None => args.push("--rpc-ssl=disabled".to_owned()),
            Some(login) => {
                args.push("--rpc-ssl=enabled".to_owned());
                args.push(format!("--rpc-login={}:{}", login.user(), login.expose_password()));
            }
        }
        if self.options.busy {
            args.push("--no-sync".to_owned());
        }
        let exclusive = |peer: &String| format!("--add-exclusive-node={peer}");
        args.extend(self.options.peers.iter().map(exclusive));
        // Never none: monerod would look for the main network's.
        if self.options.peers.is_empty() {
            args.push(exclusive(&self.own_place()));
        }
        args.push(format!("--data-dir={}", self.data_dir.display()));
        args.push(format!("--log-file={}", self.data_dir.join("monerod.log").display()));
        args.push(format!("--p2p-bind-port={}", self.ports.p2p));
        args.push(format!("--rpc-bind-port={}", self.ports.rpc));
        if let Some(port) = self.ports.restricted {
            args.push("--rpc-restricted-bind-ip=127.0.0.1".to_owned());
            args.push(format!("--rpc-restricted-bind-port={port}"));
        }
        args.extend(self.options.extra_args.iter().cloned());
        args
    }
}

/// Keeps other processes' monerods off the directory: monerod itself has no lock, and two of them
/// corrupt the chain.
pub(super) fn lock(data_dir: &Path) -> Result<File, RegtestError> {
    let failed = |source| RegtestError::Directory { path: data_dir.to_owned(), source };
    let file = File::create(data_dir.join("mixbed.lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(RegtestError::DirectoryInUse { path: data_dir.to_owned() })
        }
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}
