//! `monero.rpc`: a wallet's question in, monerod's own answer out.

pub mod allowed;
mod question;

use std::time::Duration;

use mixbed_monero::Daemon;
use mixbed_monero::rpc::{RawAnswer, RpcError};
use mixbed_telemetry::ProviderMetrics;
use mixbed_wire::message::{
    MAX_MESSAGE, MAX_RPC_CONTENT_TYPE, RPC_SERVICE, Response, RpcAnswer, RpcRequest,
};
use tokio::time::Instant;

use super::service::{Answering, Question, Reply, Service};
use allowed::Again;
use question::{Permitted, Refusal, judge};

/// Kept back from the limit, so that why there is no answer is still said within it.
const RESERVE: Duration = Duration::from_millis(200);

/// How long a monerod that cannot be reached is tried again: a restart takes two seconds. A wallet
/// tries again itself, and has other things to say meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// The most that is read of an answer's body: what a message carries beside any content type.
const MOST: usize = MAX_MESSAGE - 4 - MAX_RPC_CONTENT_TYPE;

/// Asks a monerod what wallets ask.
pub struct Rpc {
    daemon: Daemon,
    metrics: ProviderMetrics,
}

impl std::fmt::Debug for Rpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rpc").field("daemon", &self.daemon).finish_non_exhaustive()
    }
}

impl Service for Rpc {
    fn name(&self) -> &'static str {
        RPC_SERVICE
    }

    fn handle(&self, question: Question) -> Answering<'_> {
        Box::pin(self.answer(question))
    }
}

impl Rpc {
    /// The service in front of `daemon`.
    #[must_use]
    pub fn new(daemon: Daemon, metrics: ProviderMetrics) -> Self {
        Self { daemon, metrics }
    }

    async fn answer(&self, question: Question) -> Reply {
        let Ok(request) = RpcRequest::decode(&question.payload) else {
            let words = format!("the payload is no request of {RPC_SERVICE}");
            return Reply { response: Response::Refused(words), outcome: "malformed" };
        };
        let permitted = match judge(request) {
            Ok(permitted) => permitted,
            Err(refusal @ Refusal::NoCall(_)) => {
                return said(400, "malformed", &refusal.to_string());
            }
            Err(refusal) => return said(403, "forbidden", &refusal.to_string()),
        };
        let end = Instant::now() + question.limit.saturating_sub(RESERVE);
        match self.ask(&permitted, end).await {
            Ok(answer) => reply(answer),
            Err(error) => failed(&error),
        }
    }

    /// Asks, and asks again while monerod is away and that does no harm.
    async fn ask(&self, permitted: &Permitted, end: Instant) -> Result<RawAnswer, RpcError> {
        let Permitted { path, content_type, body, again } = permitted;
        let patience = end.min(Instant::now() + PATIENCE);
        loop {
            let began = Instant::now();
            let limit = end.saturating_duration_since(began);
            let endpoint = self.daemon.endpoint().clone().with_timeout(limit);
            let answer = endpoint.forward(path, content_type, body.clone(), MOST);
            let answer = answer.await;
            self.metrics.monerod_seconds.observe(began.elapsed());
            // What could not be connected to has not been asked at all.
            let harmless = match &answer {
                Err(RpcError::Connect { .. }) => true,
                Err(RpcError::Broken { .. }) => *again == Again::Yes,
                _ => false,
            };
            if !harmless || Instant::now() + PAUSE >= patience {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
            self.metrics.monerod_retries.inc();
        }
    }
}

/// monerod's answer, as it is.
fn reply(answer: RawAnswer) -> Reply {
    let RawAnswer { status, content_type, body } = answer;
    let outcome = if status == 200 { "ok" } else { "http_error" };
    let size = body.len();
    match (RpcAnswer { status, content_type, body }).encode() {
        Ok(answer) => Reply { response: Response::Ok(answer), outcome },
        Err(error) => {
            tracing::debug!(%error, size, "an answer of monerod's is none for a wallet");
            said(502, "http_error", &format!("monerod's answer cannot be passed on: {error}"))
        }
    }
}

/// Why there is no answer of monerod's.
fn failed(error: &RpcError) -> Reply {
    match error {
        RpcError::TooLarge { limit, .. } => {
            let words = format!(
                "monerod's answer is larger than the {limit} bytes that one message carries; a \
                 stream carries any: let the wallet connect by the SOCKS port"
            );
            said(507, "too_large", &words)
        }
        RpcError::TimedOut { .. } => {
            said(504, "too_slow", &format!("this provider's monerod: {}", error.public_words()))
        }
        _ => {
            said(503, "unavailable", &format!("this provider's monerod: {}", error.public_words()))
        }
    }
}

/// The provider's own words in monerod's place, as JSON.
fn said(status: u16, outcome: &'static str, words: &str) -> Reply {
    let body = serde_json::json!({ "error": { "code": status, "message": words } });
    let content_type = "application/json".to_owned();
    let answer = RpcAnswer { status, content_type, body: body.to_string().into_bytes() };
    let response = match answer.encode() {
        Ok(answer) => Response::Ok(answer),
        // No words of ours are that long.
        Err(error) => Response::Failed(error.to_string()),
    };
    Reply { response, outcome }
}

#[cfg(test)]
mod tests;
