//! Ctrl-C and its kin.

use std::io;
use std::process::exit;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code after Ctrl-C where nothing was ended well, as shells have it for a process that SIGINT ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// How long dropping everything may take after a second Ctrl-C.
const LAST: Duration = Duration::from_secs(2);

/// Signals are the process's: so is what a second one means.
static AT_ONCE: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);

/// Cancelled by the first SIGINT (Ctrl-C), SIGTERM or SIGHUP (the terminal was closed): the command
/// then stops in good order. A second one completes [`at_once`]. SIGHUP is left alone in a process
/// that was started to ignore it, as `nohup` does.
pub(crate) fn shutdown() -> io::Result<CancellationToken> {
    let mut signals = Signals::listen()?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping; once more to stop at once");
        cancelled.cancel();
        signals.next().await;
        AT_ONCE.cancel();
        // Usually the process has ended by then, and with it this task.
        tokio::time::sleep(LAST).await;
        exit(INTERRUPTED.into());
    });
    Ok(token)
}

/// Completes when what runs is to be dropped at once: with it die its children, and go its
/// temporary files.
pub(crate) async fn at_once() {
    AT_ONCE.cancelled().await;
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Unless it is ignored.
    hangup: Option<Signal>,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hangup = SignalKind::hangup();
        let ignored = is_ignored(&status, hangup.as_raw_value());
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if ignored { None } else { Some(signal(hangup)?) },
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether a process with this `/proc/PID/status` ignores a signal.
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tmixbed\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n";
        assert!(is_ignored(status, 1) && is_ignored(status, 13));
        assert!(!is_ignored(status, 2));
        assert!(!is_ignored("", 1) && !is_ignored("SigIgn: nonsense", 1));
    }
}
