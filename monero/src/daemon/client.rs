//! The client itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::transactions::{Answer, Question};
use super::{DaemonError, Info, TxState};
use crate::rpc::{Access, Endpoint, words};
use crate::verdict::Answer as SubmitAnswer;
use crate::{TxId, Verdict};

/// A restricted listener refuses to look up more than this many transactions at once.
const HASHES_A_REQUEST: usize = 100;

/// Mining a hundred blocks takes ten seconds and more: this call has its own bound.
const MINING_TIMEOUT: Duration = Duration::from_secs(120);

/// A monerod. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Daemon {
    endpoint: Endpoint,
}

#[derive(Serialize)]
struct SubmitRequest<'a> {
    tx_as_hex: &'a str,
    do_not_relay: bool,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Generated {
    #[serde(default)]
    status: String,
    #[serde(default)]
    height: u64,
}

impl Daemon {
    /// The monerod at `base_url`, `http://HOST:PORT` or `HOST:PORT`. Connects on first use.
    pub fn new(base_url: &str) -> Result<Self, DaemonError> {
        Self::with_access(base_url, &Access::default())
    }

    /// The same of one that wants a login, or is known by its certificate.
    pub fn with_access(base_url: &str, access: &Access) -> Result<Self, DaemonError> {
        Ok(Self { endpoint: Endpoint::with_access(base_url, access)? })
    }

    /// The same daemon with another bound on the time of one request (default:
    /// [`crate::rpc::DEFAULT_TIMEOUT`]).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.endpoint = self.endpoint.with_timeout(timeout);
        self
    }

    /// How long one request may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.endpoint.timeout()
    }

    /// The daemon's address, as `http://HOST:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        self.endpoint.url()
    }

    /// The endpoint below, for methods that have no typed call here.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The daemon's state.
    pub async fn get_info(&self) -> Result<Info, DaemonError> {
        Ok(self.endpoint.post("/get_info", &serde_json::json!({})).await?)
    }

    /// Hands a raw transaction to monerod, once, and returns what monerod says of it.
    ///
    /// An error says nothing about the transaction: it may have arrived. [`crate::submit()`]
    /// deals with that.
    pub async fn submit(&self, raw: &[u8]) -> Result<Verdict, DaemonError> {
        self.submit_hex(&hex::encode(raw)).await
    }

    /// As [`Daemon::submit`], of a transaction that is hexadecimal already, or claims to be:
    /// monerod judges that too.
    pub async fn submit_hex(&self, tx_as_hex: &str) -> Result<Verdict, DaemonError> {
        // Never first with `do_not_relay`: a transaction that entered the pool so is not relayed
        // by a later submission either.
        let request = SubmitRequest { tx_as_hex, do_not_relay: false };
        let answer: SubmitAnswer = self.endpoint.post("/send_raw_transaction", &request).await?;
        answer.verdict().ok_or_else(|| self.unexpected(&answer.status))
    }

    /// Where each of `ids` is, in their order.
    pub async fn transactions(&self, ids: &[TxId]) -> Result<Vec<TxState>, DaemonError> {
        let mut states = Vec::with_capacity(ids.len());
        for some in ids.chunks(HASHES_A_REQUEST) {
            let question = Question { txs_hashes: some.to_vec(), prune: true };
            let answer: Answer = self.endpoint.post("/get_transactions", &question).await?;
            self.expect_ok(&answer.status)?;
            states.extend(answer.states(some));
        }
        Ok(states)
    }

    /// Where one transaction is.
    pub async fn transaction(&self, id: TxId) -> Result<TxState, DaemonError> {
        Ok(self.transactions(&[id]).await?.first().copied().unwrap_or(TxState::Unknown))
    }

    /// Mines `count` blocks to `address` (regtest only) and returns the height of the last one.
    pub async fn generate_blocks(&self, count: u64, address: &str) -> Result<u64, DaemonError> {
        let params = serde_json::json!({ "wallet_address": address, "amount_of_blocks": count });
        let patient =
            self.endpoint.clone().with_timeout(self.endpoint.timeout().max(MINING_TIMEOUT));
        let made: Generated = patient.call("generateblocks", params).await?;
        self.expect_ok(&made.status)?;
        Ok(made.height)
    }

    /// The lowest fee that monerod relays, in atomic units a byte.
    pub async fn fee_rate(&self) -> Result<u64, DaemonError> {
        #[derive(Deserialize)]
        struct Estimate {
            fee: u64,
        }
        let answer: Estimate =
            self.endpoint.call("get_fee_estimate", serde_json::json!({})).await?;
        Ok(answer.fee)
    }

    /// Forgets every transaction in the pool (tests only; an unrestricted listener).
    pub async fn flush_pool(&self) -> Result<(), DaemonError> {
        let done: Status = self.endpoint.call("flush_txpool", serde_json::json!({})).await?;
        self.expect_ok(&done.status)
    }

    fn expect_ok(&self, status: &str) -> Result<(), DaemonError> {
        match status {
            "OK" => Ok(()),
            "BUSY" => Err(self.busy()),
            other => Err(self.unexpected(other)),
        }
    }

    fn busy(&self) -> DaemonError {
        DaemonError::Busy { url: self.url().to_owned() }
    }

    fn unexpected(&self, status: &str) -> DaemonError {
        DaemonError::Status { url: self.url().to_owned(), status: words(status) }
    }
}
