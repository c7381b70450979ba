//! Programs that users would run.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// What a program said.
#[derive(Debug)]
pub struct Said {
    /// Whether it ended well.
    pub success: bool,
    /// Its results.
    pub stdout: String,
    /// Everything else that it said.
    pub stderr: String,
}

/// Runs a program to its end, which must come within the time.
pub async fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    within: Duration,
) -> Said {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let shown = format!("{command:?}");
    let output = tokio::time::timeout(within, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{shown}: not done after {within:?}"));
    let output = output.unwrap_or_else(|error| panic!("{shown}: {error}"));
    Said {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Said {
    /// What it printed; it must have succeeded.
    pub fn ok(self) -> String {
        assert!(self.success, "it failed:\n{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// All that it said; it must have failed.
    pub fn refused(self) -> String {
        assert!(!self.success, "it succeeded:\n{}\n{}", self.stdout, self.stderr);
        format!("{}{}", self.stdout, self.stderr)
    }
}
