//! How the children are started.

use std::path::PathBuf;
use std::time::Duration;

use mixbed_guard::Login;

/// How to start monerod. The default suits tests: a fresh chain in a temporary directory, on
/// ports that are free.
#[derive(Clone, Debug)]
pub struct MonerodOptions {
    /// Where the chain is kept. It survives restarts; a given directory is kept afterwards.
    /// Default: a temporary directory that is removed with the handle.
    pub data_dir: Option<PathBuf>,
    /// The RPC port on 127.0.0.1. Default: any that is free.
    pub rpc_port: Option<u16>,
    /// Whether a restricted RPC listener is opened too, on a port that is free: it serves
    /// submission and look-ups, not mining. Default: no.
    pub restricted: bool,
    /// Whether monerod stays unsynchronised and answers `BUSY` (`--no-sync`). Default: no.
    pub busy: bool,
    /// The port for peers on 127.0.0.1. Default: any that is free.
    pub p2p_port: Option<u16>,
    /// The login that its RPC wants. With one it speaks TLS only, with a certificate that it makes for
    /// itself. Default: none, and plain HTTP.
    pub login: Option<Login>,
    /// The only peers, as HOST:PORT. Until one is there, monerod stays unsynchronised. Default:
    /// none, none is missed, and nobody is looked for.
    pub peers: Vec<String>,
    /// The program. Default: `monerod`, looked up in `PATH`.
    pub program: PathBuf,
    /// Further arguments, last on the command line.
    pub extra_args: Vec<String>,
    /// How long monerod may take until it answers (it needs 1 to 1.6 s on an idle machine).
    pub start_deadline: Duration,
}

impl Default for MonerodOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            rpc_port: None,
            restricted: false,
            busy: false,
            p2p_port: None,
            login: None,
            peers: Vec::new(),
            program: PathBuf::from("monerod"),
            extra_args: Vec::new(),
            start_deadline: Duration::from_secs(30),
        }
    }
}

/// How to start monero-wallet-rpc. The default suits tests: no wallets yet, in a temporary
/// directory, on a port that is free.
#[derive(Clone, Debug)]
pub struct WalletRpcOptions {
    /// Where the wallets are kept; a given directory is kept afterwards. Default: a temporary
    /// directory that is removed with the handle.
    pub wallet_dir: Option<PathBuf>,
    /// The RPC port on 127.0.0.1. Default: any that is free.
    pub rpc_port: Option<u16>,
    /// The program. Default: `monero-wallet-rpc`, looked up in `PATH`.
    pub program: PathBuf,
    /// Further arguments, last on the command line.
    pub extra_args: Vec<String>,
    /// How long it may take until it answers.
    pub start_deadline: Duration,
}

impl Default for WalletRpcOptions {
    fn default() -> Self {
        Self {
            wallet_dir: None,
            rpc_port: None,
            program: PathBuf::from("monero-wallet-rpc"),
            extra_args: Vec::new(),
            start_deadline: Duration::from_secs(30),
        }
    }
}
