//! Whether others' clients may do with a monerod what its operator may.

use std::time::Duration;

use mixbed_monero::Daemon;

/// Between two tries to hear from a monerod that is away.
const PAUSE: Duration = Duration::from_secs(5);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is said of a monerod that answers wallets and is not restricted.
#[must_use]
pub fn unrestricted(url: &str) -> String {
    format!(
        "the monerod at {url} is not restricted: the network's clients see there which transactions came to \
         it first, and by a target of the service tcp they can end it. Give it a listener for them \
         (monerod --rpc-restricted-bind-port), and that one here"
    )
}

/// Waits until the monerod answers, and warns if it is not restricted.
pub(crate) async fn warn_unless(daemon: Daemon, node: String) {
    let daemon = daemon.with_timeout(PATIENCE);
    loop {
        match daemon.get_info().await {
            Ok(info) if info.restricted => return,
            Ok(_) => return tracing::warn!(node, "{}", unrestricted(daemon.url())),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
