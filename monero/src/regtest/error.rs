//! Why a child could not be started, or not be dealt with.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::rpc::RpcError;
use crate::{DaemonError, WalletError};

/// Why monerod or monero-wallet-rpc is not running as asked.
#[derive(Debug, thiserror::Error)]
pub enum RegtestError {
    /// The program is nowhere in `PATH`.
    #[error(
        "`{program}` is not installed: install it with `apt-get install monero`, or put it in PATH"
    )]
    NotInstalled {
        /// The program's name or path, as asked for.
        program: String,
    },
    /// Something else listens on a port that was asked for.
    #[error(
        "port {port} of 127.0.0.1, asked for by {what}, is in use; stop what listens there or choose another"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// What wanted it.
        what: &'static str,
    },
    /// No free port could be found.
    #[error("no free loopback port for {what}: {source}")]
    NoPort {
        /// What wanted it.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The directory for the chain, the wallets or the logs cannot be used.
    #[error("cannot use the directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another monerod of ours uses the data directory; two would corrupt it.
    #[error("another process runs monerod on {}; two on one directory would corrupt it", path.display())]
    DirectoryInUse {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system did not start the program.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The program did not say what it knows.
    #[error("{program} --help did not say which options it knows: {why}")]
    NoHelp {
        /// The program.
        program: String,
        /// What it did instead.
        why: String,
    },
    /// The program ended before it answered.
    #[error("{program} ended with {status} before it answered; its last words:\n{log}")]
    ExitedEarly {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// The program runs and does not answer.
    #[error("{program} runs but did not answer within {} s; its last words:\n{log}", after.as_secs())]
    NotReady {
        /// The program.
        program: &'static str,
        /// How long it had.
        after: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// A signal could not be sent, or the program's end not be observed.
    #[error("cannot signal {program}: {source}")]
    Signal {
        /// The program.
        program: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The program is not running.
    #[error("{program} is not running")]
    NotRunning {
        /// The program.
        program: &'static str,
    },
    /// monerod answered its first question with an error.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// monero-wallet-rpc answered its first question with an error.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// An address that was made here cannot be used.
    #[error(transparent)]
    Rpc(#[from] RpcError),
}
