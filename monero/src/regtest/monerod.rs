//! A regtest monerod.

use std::fs::File;
use std::path::Path;
use std::process::ExitStatus;

use rustix::process::Signal;
use tempfile::TempDir;

use super::plan::{NAME, Plan, Ports, lock};
use super::process::Process;
use super::{MonerodOptions, RegtestError, ports, program};
use crate::Daemon;

/// How often other ports are tried when somebody took one between choosing and binding it.
const TRIES: u32 = 5;

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
    restricted: Option<Daemon>,
}

impl Monerod {
    /// Starts monerod and waits until it answers.
    pub async fn start(options: MonerodOptions) -> Result<Self, RegtestError> {
        Self::start_with(options, |_| Ok(())).await
    }

    /// As [`Monerod::start`], after `prepare` has put something into the data directory.
    pub(crate) async fn start_with(
        options: MonerodOptions,
        prepare: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<Self, RegtestError> {
        let program = program::find(&options.program)?;
        let (data_dir, temporary) = super::directory(options.data_dir.as_deref())?;
        let lock = lock(&data_dir)?;
        prepare(&data_dir)
            .map_err(|source| RegtestError::Directory { path: data_dir.clone(), source })?;
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
        let restricted = plan.ports.restricted.map(super::loopback_url);
        let restricted = restricted.map(|url| Daemon::new(&url)).transpose()?;
        Ok(Self { process, _lock: lock, plan, _temporary: temporary, daemon, restricted })
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

    /// A client for its restricted RPC, if that was asked for.
    #[must_use]
    pub fn restricted(&self) -> Option<&Daemon> {
        self.restricted.as_ref()
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
