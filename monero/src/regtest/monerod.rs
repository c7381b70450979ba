//! A regtest monerod.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::Process;
use super::{MonerodOptions, RegtestError, ports, program};
use crate::Daemon;

const NAME: &str = "monerod";

/// How often other ports are tried when somebody took one between choosing and binding it.
const TRIES: u32 = 5;

/// One question of the wait for readiness: monerod answers within milliseconds once it listens.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// A regtest monerod, a child of this process. Dropping it kills it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mixbed_monero::{Monerod, MonerodOptions};
///
/// let mut monerod = Monerod::start(MonerodOptions::default()).await?;
/// println!("height {}", monerod.daemon().get_info().await?.height);
/// monerod.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Monerod {
    // Dropped in this order: the process, then the lock on its directory, then the directory.
    process: Process,
    _lock: File,
    plan: Plan,
    _temporary: Option<TempDir>,
    daemon: Daemon,
}

/// What a start needs, kept for restarts.
#[derive(Debug)]
struct Plan {
    program: PathBuf,
    data_dir: PathBuf,
    options: MonerodOptions,
    ports: Ports,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    p2p: u16,
    rpc: u16,
    restricted: Option<u16>,
}

impl Monerod {
    /// Starts monerod and waits until it answers.
    pub async fn start(options: MonerodOptions) -> Result<Self, RegtestError> {
        let program = program::find(&options.program)?;
        let (data_dir, temporary) = super::directory(options.data_dir.as_deref())?;
        let lock = lock(&data_dir)?;
        if let Some(port) = options.rpc_port {
            ports::check_free(port, NAME)?;
        }
        let ports = Ports::choose(&options)?;
        let mut plan = Plan { program, data_dir, options, ports };
        let mut tries = 0;
        let (process, daemon) = loop {
            tries += 1;
            match plan.launch().await {
                Err(RegtestError::ExitedEarly { log, .. })
                    if tries < TRIES && super::bind_failed(&log) =>
                {
                    plan.ports = Ports::choose(&plan.options)?;
                }
                other => break other?,
            }
        };
        Ok(Self { process, _lock: lock, plan, _temporary: temporary, daemon })
    }

    /// A client for it.
    #[must_use]
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// The address of its RPC, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        self.daemon.url()
    }

    /// The address of its restricted RPC, if it was asked for.
    #[must_use]
    pub fn restricted_url(&self) -> Option<String> {
        self.plan.ports.restricted.map(super::loopback_url)
    }

    /// The process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where its chain is.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.plan.data_dir
    }

    /// The end of what it printed.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.process.last_words()
    }

    /// Makes it hang (SIGSTOP): connections are accepted, and nothing is answered.
    pub fn pause(&self) -> Result<(), RegtestError> {
        self.process.signal(Signal::STOP)
    }

    /// Ends [`Monerod::pause`].
    pub fn resume(&self) -> Result<(), RegtestError> {
        self.process.signal(Signal::CONT)
    }

    /// Ends it at once, as a crash would (SIGKILL).
    pub fn kill(&mut self) -> Result<ExitStatus, RegtestError> {
        self.process.kill()
    }

    /// Ends it gently (SIGTERM), and by force if that takes longer than ten seconds.
    pub async fn stop(&mut self) -> Result<ExitStatus, RegtestError> {
        self.process.stop().await
    }

    /// Starts it again on the same chain and the same ports, after ending it if it runs.
    pub async fn restart(&mut self) -> Result<(), RegtestError> {
        self.process.stop().await?;
        let (process, daemon) = self.plan.launch().await?;
        self.process = process;
        self.daemon = daemon;
        Ok(())
    }
}

impl Ports {
    fn choose(options: &MonerodOptions) -> Result<Self, RegtestError> {
        let [p2p, rpc, restricted] = ports::free(NAME)?;
        Ok(Self {
            p2p,
            rpc: options.rpc_port.unwrap_or(rpc),
            restricted: options.restricted.then_some(restricted),
        })
    }
}

impl Plan {
    async fn launch(&self) -> Result<(Process, Daemon), RegtestError> {
        let output = self.data_dir.join("monerod.out");
        let mut process = Process::start(NAME, &self.program, &self.args(), output).await?;
        let daemon = Daemon::new(&super::loopback_url(self.ports.rpc))?;
        let probe = daemon.clone().with_timeout(PROBE_TIMEOUT);
        let ready = || async { probe.get_info().await.is_ok() };
        process.wait_until(self.options.start_deadline, ready).await?;
        Ok((process, daemon))
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
            "--rpc-ssl=disabled",
            "--disable-dns-checkpoints",
            "--check-updates=disabled",
            "--p2p-bind-ip=127.0.0.1",
            "--rpc-bind-ip=127.0.0.1",
            "--log-level=0",
        ]
        .map(str::to_owned)
        .to_vec();
        args.push(if self.options.busy { "--no-sync" } else { "--offline" }.to_owned());
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
fn lock(data_dir: &Path) -> Result<File, RegtestError> {
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
