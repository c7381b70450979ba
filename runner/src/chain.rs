//! Asking monerods where transactions are.

use std::time::Duration;

use mixbed_monero::daemon::DaemonError;
use mixbed_monero::{Daemon, TxId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::core::Sight;

/// How monerods are asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Between two questions.
    pause: Duration,
    /// One that hangs holds up the others no longer than this.
    timeout: Duration,
}

impl Patience {
    /// Over a network of their own.
    pub(crate) const NEAR: Self =
        Self { pause: Duration::from_millis(500), timeout: Duration::from_secs(2) };

    /// Through the mixnet: a round trip takes a second, and twenty if packets are lost.
    pub(crate) const FAR: Self =
        Self { pause: Duration::from_secs(2), timeout: Duration::from_secs(30) };
}

/// What the monerods said of the transactions with these numbers.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) asked: Vec<u32>,
    pub(crate) sights: Vec<Option<Sight>>,
}

/// Asks all of them again and again, as long as somebody listens.
pub(crate) async fn watch(
    monerods: Vec<Daemon>,
    patience: Patience,
    wanted: watch::Receiver<Vec<(u32, TxId)>>,
    seen: mpsc::Sender<Seen>,
) {
    loop {
        let asked = wanted.borrow().clone();
        let ids: Vec<TxId> = asked.iter().map(|(_, txid)| *txid).collect();
        let mut looks = JoinSet::new();
        for (at, daemon) in monerods.iter().enumerate() {
            let (daemon, ids) = (daemon.clone().with_timeout(patience.timeout), ids.clone());
            looks.spawn(async move { (at, look(&daemon, &ids).await) });
        }
        let mut sights = vec![None; monerods.len()];
        while let Some(Ok((at, look))) = looks.join_next().await {
            match look {
                Ok(sight) => sights[at] = Some(sight),
                Err(error) => tracing::debug!(%error, "a monerod gives no answer"),
            }
        }
        let asked = asked.into_iter().map(|(number, _)| number).collect();
        if seen.send(Seen { asked, sights }).await.is_err() {
            return;
        }
        tokio::time::sleep(patience.pause).await;
    }
}

async fn look(daemon: &Daemon, ids: &[TxId]) -> Result<Sight, DaemonError> {
    let info = daemon.get_info().await?;
    let states = if ids.is_empty() { Vec::new() } else { daemon.transactions(ids).await? };
    Ok(Sight { height: info.height, synchronized: info.synchronized, states })
}
