//! monerod on regtest and monero-wallet-rpc, as children of this process.
//!
//! Both listen on loopback ports that were free, both are stopped when their handle is dropped,
//! and both die with this process even if it is killed with SIGKILL (where util-linux's `setpriv`
//! is installed, as it is on Debian).

mod error;
mod monerod;
mod options;
mod plan;
mod ports;
mod process;
mod program;
mod spawner;
mod wallet_rpc;

pub use error::RegtestError;
pub use monerod::Monerod;
pub use options::{MonerodOptions, WalletRpcOptions};
pub use program::Program;
pub use wallet_rpc::WalletRpc;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The directory given, made if need be, or a temporary one.
fn directory(given: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), RegtestError> {
    if let Some(path) = given {
        let failed = |source| RegtestError::Directory { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        return Ok((path.to_owned(), None));
    }
    let failed = |source| RegtestError::Directory { path: std::env::temp_dir(), source };
    let temporary = tempfile::Builder::new().prefix("mixbed-").tempdir().map_err(failed)?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

fn loopback_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Whether a program ended because somebody else has its port.
fn bind_failed(log: &str) -> bool {
    log.contains("Failed to bind") || log.contains("Address already in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_taken_meanwhile_is_told_from_other_failures() {
        // As monerod and monero-wallet-rpc 0.18 print it.
        assert!(bind_failed("F Error starting server: Failed to bind IPv4 (set to required)"));
        assert!(!bind_failed("E Exception in main! Failed to initialize core"));
    }
}
