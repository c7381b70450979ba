//! Looking at monerods, each in a task of its own, so that one that hangs holds up none.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Daemon;
use crate::daemon::Info;
use crate::greeting::greet;

/// Time between two looks at a monerod.
const LOOK: Duration = Duration::from_millis(250);

/// A monerod answers within milliseconds, or while it verifies within a few hundred.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What was seen of the monerod `at`.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) at: usize,
    pub(super) asked: Instant,
    pub(super) state: Result<Info, String>,
}

/// Looks at each of `daemons` until the tasks are dropped, and greets the only one at its address
/// for peers while it is alone.
pub(super) fn watch(
    daemons: &[Daemon],
    alone: Option<String>,
    tasks: &mut JoinSet<()>,
) -> mpsc::Receiver<Look> {
    let alone = alone.filter(|_| daemons.len() == 1);
    let (sender, looks) = mpsc::channel(daemons.len().max(1));
    for (at, daemon) in daemons.iter().enumerate() {
        let daemon = daemon.clone().with_timeout(TIMEOUT);
        let sender = sender.clone();
        let alone = alone.clone();
        tasks.spawn(async move {
            loop {
                let asked = Instant::now();
                let state = daemon.get_info().await.map_err(|error| error.to_string());
                if let (Ok(info), Some(peers)) = (&state, &alone)
                    && waits_alone(info)
                    && let Err(error) = greet(&daemon, peers).await
                {
                    tracing::warn!(at = daemon.url(), %error, "it waits for a peer; trying on");
                }
                if sender.send(Look { at, asked, state }).await.is_err() {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    }
    looks
}

/// Whether it waits for a peer. One that has peers, or knows of more blocks, catches up with them.
fn waits_alone(info: &Info) -> bool {
    !info.synchronized && !info.offline && info.peers() == 0 && info.target_height <= info.height
}
