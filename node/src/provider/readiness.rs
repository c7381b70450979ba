//! Whether a provider's monerod can take transactions.

use std::time::Duration;

use mixbed_monero::daemon::Info;
use mixbed_monero::{Daemon, DaemonError};
use mixbed_telemetry::{Condition, ProviderMetrics};

/// How often it is asked while it is ready; and while it is not, as somebody waits for it.
const EVERY: Duration = Duration::from_secs(5);
const SOONER: Duration = Duration::from_secs(1);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks monerod again and again, and says how it is. The provider stays in the document whatever
/// it hears: submissions wait a while for a monerod that is away, and say so if it does not come.
pub(crate) async fn watch(daemon: Daemon, condition: Condition, metrics: ProviderMetrics) {
    metrics.monerod_ready(false);
    let daemon = daemon.with_timeout(PATIENCE);
    condition.unmet(format!("no answer of monerod at {} yet", daemon.url()));
    loop {
        let found = judge(daemon.url(), daemon.get_info().await);
        metrics.monerod_ready(found.is_ok());
        let pause = match found {
            Ok(()) => {
                condition.met();
                EVERY
            }
            Err(why) => {
                condition.unmet(why);
                SOONER
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Why it cannot take transactions, if so.
fn judge(url: &str, answer: Result<Info, DaemonError>) -> Result<(), String> {
    let info = answer.map_err(|error| error.to_string())?;
    if info.status == "OK" && info.synchronized {
        return Ok(());
    }
    let Info { height, target_height, status, .. } = info;
    let of = if target_height > height { format!(" of {target_height}") } else { String::new() };
    Err(format!(
        "monerod at {url} is not in step with its network (status {status:.20}, height {height}{of})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(status: &str, synchronized: bool) -> Info {
        Info {
            status: status.to_owned(),
            synchronized,
            height: 7,
            target_height: 9,
            ..Info::default()
        }
    }

    #[test]
    fn ready_is_who_answers_ok_and_is_in_step() {
        assert_eq!(judge("u", Ok(info("OK", true))), Ok(()));
        for (status, synchronized) in [("BUSY", true), ("OK", false), ("", true)] {
            let why = judge("u", Ok(info(status, synchronized))).expect_err("not in step");
            assert!(why.contains("height 7 of 9") && why.contains(status), "{why}");
        }
    }
}
