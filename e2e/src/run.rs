//! Broadcasts: runs of transactions.

use std::time::Duration;

use kube::api::PostParams;
use mixbed_operator::api::{Broadcast, BroadcastPhase, BroadcastStatus, TransactionState};

use crate::place::{MIXNET, Place};
use crate::wait::until;

/// A run, as a user would apply it.
pub fn broadcast(name: &str, transactions: u32, rate: &str) -> Broadcast {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "mixbed.dev/v1alpha1",
        "kind": "Broadcast",
        "metadata": { "name": name },
        "spec": {
            "mixnet": MIXNET,
            "transactions": transactions,
            "rate": rate,
            "deadline": "6m",
            "traced": true,
        },
    }))
    .expect("a Broadcast")
}

impl Place {
    /// Begins a run.
    pub async fn begin(&self, name: &str, transactions: u32, rate: &str) {
        let run = broadcast(name, transactions, rate);
        self.api().create(&PostParams::default(), &run).await.expect("the Broadcast is taken");
    }

    /// Waits until a run is at least so far.
    pub async fn run_is(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&BroadcastStatus) -> bool,
    ) -> BroadcastStatus {
        let so = |run: &Broadcast| run.status.as_ref().is_some_and(&is_so);
        let run = until(&self.api::<Broadcast>(), name, what, Duration::from_secs(400), so).await;
        run.status.expect("there was one")
    }

    /// Waits until some of a run's transactions are accepted.
    pub async fn under_way(&self, name: &str, accepted: u32) {
        self.run_is(name, "transactions are accepted", |status| {
            assert!(!status.phase.is_over(), "it is over too soon: {status:#?}");
            status.accepted >= accepted
        })
        .await;
    }

    /// Waits until a run is over; all of its transactions must be mined, each once.
    pub async fn all_mined(&self, name: &str, transactions: u32) -> BroadcastStatus {
        let status = self.run_is(name, "the run is over", |status| status.phase.is_over()).await;
        assert_eq!(status.phase, BroadcastPhase::Succeeded, "{status:#?}");
        let counts = (status.submitted, status.accepted, status.mined, status.failed);
        assert_eq!(counts, (transactions, transactions, transactions, 0), "{status:#?}");
        let mut txids: Vec<&str> =
            status.transactions.iter().map(|transaction| transaction.txid.as_str()).collect();
        txids.sort_unstable();
        txids.dedup();
        assert_eq!(txids.len(), status.transactions.len(), "each has its own id");
        for transaction in &status.transactions {
            assert_eq!(transaction.state, TransactionState::Mined, "{transaction:?}");
            assert!(transaction.height.is_some(), "{transaction:?}");
        }
        status
    }
}
