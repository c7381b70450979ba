//! `monero.known`: whether monerod has a transaction that was handed to somebody else.

use std::time::Duration;

use mixbed_monero::daemon::TxState;
use mixbed_monero::{Daemon, DaemonError, TxId};
use mixbed_wire::message::{KNOWN_SERVICE, KnownAnswer, KnownRequest, Response};

use super::service::{Answering, Question, Reply, Service};

/// How long monerod may take: whoever asks has others to ask.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks transactions up in a monerod's pool and chain.
#[derive(Debug)]
pub struct Known {
    daemon: Daemon,
}

impl Known {
    /// The service in front of `daemon`.
    #[must_use]
    pub fn new(daemon: Daemon) -> Self {
        let patience = daemon.timeout().min(PATIENCE);
        Self { daemon: daemon.with_timeout(patience) }
    }

    async fn answer(&self, question: Question) -> Reply {
        let answer = match KnownRequest::decode(&question.payload) {
            Ok(KnownRequest::Transaction(txid)) => {
                self.daemon.transaction(TxId::from(txid)).await.map(of_state)
            }
            Ok(KnownRequest::Ready) => self.ready().await,
            Err(_) => {
                let words = "a question is a transaction's id, or nothing".to_owned();
                return Reply { response: Response::Refused(words), outcome: "refused" };
            }
        };
        let answer = answer.unwrap_or_else(|error| {
            tracing::warn!(%error, "monerod cannot be asked what it knows");
            KnownAnswer::Unavailable { words: error.public_words() }
        });
        let outcome = outcome(&answer);
        Reply { response: Response::Ok(answer.encode()), outcome }
    }

    async fn ready(&self) -> Result<KnownAnswer, DaemonError> {
        let info = self.daemon.get_info().await?;
        if info.status == "OK" && info.synchronized {
            return Ok(KnownAnswer::Ready);
        }
        let words = "monerod is not in step with its network".to_owned();
        Ok(KnownAnswer::Unavailable { words })
    }
}

impl Service for Known {
    fn name(&self) -> &'static str {
        KNOWN_SERVICE
    }

    fn handle(&self, question: Question) -> Answering<'_> {
        Box::pin(self.answer(question))
    }
}

fn of_state(state: TxState) -> KnownAnswer {
    match state {
        TxState::Unknown => KnownAnswer::Unknown,
        TxState::InPool { .. } => KnownAnswer::InPool,
        TxState::Mined { height, confirmations } => KnownAnswer::Mined { height, confirmations },
    }
}

fn outcome(answer: &KnownAnswer) -> &'static str {
    match answer {
        KnownAnswer::Unknown => "unknown",
        KnownAnswer::InPool => "in_pool",
        KnownAnswer::Mined { .. } => "mined",
        KnownAnswer::Ready => "ready",
        KnownAnswer::Unavailable { .. } => "unavailable",
    }
}
