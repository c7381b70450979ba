//! Counts and percentiles of a run.

use std::fmt;

use mixbed_operator::api::{Latency, ReportedTransaction, TransactionState};

/// How many transactions are how far; each includes the ones that are further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many are wanted.
    pub wanted: u32,
    /// Handed to the client.
    pub submitted: u32,
    /// Accepted by a provider's monerod.
    pub accepted: u32,
    /// In a block.
    pub mined: u32,
    /// Given up.
    pub failed: u32,
}

impl Counts {
    /// Those of a report.
    #[must_use]
    pub fn of(wanted: u32, transactions: &[ReportedTransaction]) -> Self {
        let mut counts = Self { wanted, ..Self::default() };
        for transaction in transactions {
            counts.submitted += 1;
            let accepted = transaction.latency_ms.is_some() || transaction.provider.is_some();
            counts.accepted += u32::from(
                accepted
                    || matches!(
                        transaction.state,
                        TransactionState::Accepted | TransactionState::Mined
                    ),
            );
            counts.mined += u32::from(transaction.state == TransactionState::Mined);
            counts.failed += u32::from(transaction.state == TransactionState::Failed);
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, submitted, accepted, mined, failed } = self;
        write!(f, "{submitted}/{wanted} submitted, {accepted} accepted, {mined} mined")?;
        if *failed > 0 {
            write!(f, ", {failed} failed")?;
        }
        Ok(())
    }
}

/// Percentiles by nearest rank of the latencies that are known; `None` if none is.
#[must_use]
pub fn latency(transactions: &[ReportedTransaction]) -> Option<Latency> {
    let mut known: Vec<u64> = transactions.iter().filter_map(|t| t.latency_ms).collect();
    known.sort_unstable();
    let rank = |percent: usize| {
        let rank = (known.len() * percent).div_ceil(100).max(1);
        known.get(rank - 1).copied()
    };
    Some(Latency { p50_ms: rank(50)?, p95_ms: rank(95)?, max_ms: *known.last()? })
}
