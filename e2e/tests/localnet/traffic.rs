//! Broadcasts that go on, one after another, whatever happens to the net meanwhile.

use std::time::Duration;

use mixbed_client::{BroadcastOptions, BroadcastReport, Client};
use mixbed_monero::TxId;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::world::World;

/// How long each broadcast may take: whatever the fault, none needs as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// All of the stock's transfers, one begun each so often.
pub(crate) struct Traffic {
    broadcasts: Vec<(TxId, JoinHandle<BroadcastReport>)>,
    begun: watch::Sender<usize>,
    accepted: watch::Sender<usize>,
    /// Transactions in the chain before.
    before: u64,
}

impl Traffic {
    /// Begins the first at once, each further one `pace` later.
    pub(crate) async fn begin(world: &World, pace: Duration) -> Self {
        let before = world.monerod.daemon().get_info().await.expect("monerod answers").tx_count;
        let (begun, accepted) = (watch::Sender::new(0), watch::Sender::new(0));
        let one = |(number, transfer): (u32, &mixbed_monero::PreparedTransfer)| {
            let (client, raw) = (world.client.clone(), transfer.raw.clone());
            let (begun, accepted) = (begun.clone(), accepted.clone());
            let task = tokio::spawn(async move {
                tokio::time::sleep(pace * number).await;
                begun.send_modify(|count| *count += 1);
                let report = broadcast(&client, &raw, number).await;
                accepted.send_modify(|count| *count += 1);
                report
            });
            (transfer.txid, task)
        };
        let broadcasts = (0..).zip(&world.stock.transfers).map(one).collect();
        Self { broadcasts, begun, accepted, before }
    }

    /// Waits until so many have begun.
    pub(crate) async fn begun(&self, count: usize) {
        reach(&self.begun, count).await;
    }

    /// Waits until so many were accepted.
    pub(crate) async fn accepted(&self, count: usize) {
        reach(&self.accepted, count).await;
    }

    /// Waits until all are accepted, has them mined, and asserts that each is in the chain once
    /// and nothing else is.
    pub(crate) async fn all_mined_once(self, world: &World) -> Vec<BroadcastReport> {
        let mut reports = Vec::new();
        let txids: Vec<TxId> = self.broadcasts.iter().map(|(txid, _)| *txid).collect();
        for (txid, broadcast) in self.broadcasts {
            let report = broadcast.await.expect("accepted");
            assert_eq!(report.txid, txid);
            reports.push(report);
        }
        mined_once(world, &txids, self.before).await;
        reports
    }
}

/// Has the transactions mined, and asserts that each is in the chain once and nothing else is, but
/// what was there `before`.
pub(crate) async fn mined_once(world: &World, txids: &[TxId], before: u64) {
    let daemon = world.monerod.daemon();
    let mined = daemon.mine_until_included(txids, &world.stock.address, PATIENCE).await;
    assert_eq!(mined.expect("mined").len(), txids.len());
    let after = daemon.get_info().await.expect("monerod answers");
    assert_eq!((after.tx_count - before, after.tx_pool_size), (txids.len() as u64, 0));
}

async fn broadcast(client: &Client, raw: &[u8], number: u32) -> BroadcastReport {
    let options = BroadcastOptions { deadline: PATIENCE, ..BroadcastOptions::default() };
    match client.broadcast(raw, options).await {
        Ok(report) => report,
        Err(error) => panic!("broadcast {number}: {error}"),
    }
}

async fn reach(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let reached = tokio::time::timeout(PATIENCE, counter.wait_for(|reached| *reached >= count));
    reached.await.expect("in time").expect("the traffic lives");
}
