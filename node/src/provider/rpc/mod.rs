//! `monero.rpc`: a wallet's question in, monerod's own answer out; as messages, or on a stream.

mod stream;

use std::time::Duration;

use mixbed_monero::Daemon;
use mixbed_monero::calls::list::Again;
use mixbed_monero::calls::{Call, Refusal, judge};
use mixbed_monero::rpc::{Endpoint, RawAnswer, RpcError};
use mixbed_telemetry::ProviderMetrics;
use mixbed_wire::message::{
    MAX_MESSAGE, MAX_RPC_CONTENT_TYPE, RPC_SERVICE, Response, RpcAnswer, RpcRequest,
};
use tokio::time::Instant;

use super::service::{Answering, Question, Reply, Service};
pub use stream::RpcStream;

/// Kept back from the limit, so that why there is no answer is still said within it.
const RESERVE: Duration = Duration::from_millis(200);

/// How long a monerod that cannot be reached is tried again: a restart takes two seconds. A wallet
/// tries again itself, and has other things to say meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// The most that is read of an answer's body: what a message carries beside any content type.
const MOST: usize = MAX_MESSAGE - 5 - MAX_RPC_CONTENT_TYPE;

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
        let call = match judge(&request.path, &request.body) {
            Ok(call) => call,
            Err(refusal) => return Said::of_refusal(&refusal).reply(),
        };
        let end = Instant::now() + question.limit.saturating_sub(RESERVE);
        let asked = self.ask(call.clone(), end, |endpoint, asked| async move {
            let Call { path, content_type, body, .. } = asked;
            endpoint.forward(path, content_type, body, MOST).await
        });
        match asked.await {
            // A program that asks without the daemon endpoint expects the id that it gave.
            Ok(answer) => reply(RawAnswer { body: call.with_own_id(answer.body), ..answer }),
            Err(error) => Said::of_error(&error).reply(),
        }
    }

    /// Asks, and asks again while monerod is away and that does no harm.
    async fn ask<T, F>(
        &self,
        call: Call,
        end: Instant,
        once: impl Fn(Endpoint, Call) -> F,
    ) -> Result<T, RpcError>
    where
        F: Future<Output = Result<T, RpcError>>,
    {
        let patience = end.min(Instant::now() + PATIENCE);
        loop {
            let began = Instant::now();
            let limit = end.saturating_duration_since(began);
            let endpoint = self.daemon.endpoint().clone().with_timeout(limit);
            let answer = once(endpoint, call.clone()).await;
            self.metrics.monerod_seconds.observe(began.elapsed());
            // What could not be connected to has not been asked at all.
            let harmless = match &answer {
                Err(RpcError::Connect { .. }) => true,
                Err(RpcError::Broken { .. }) => call.again == Again::Yes,
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
            let words = format!("monerod's answer cannot be passed on: {error}");
            Said { status: 502, outcome: "http_error", words }.reply()
        }
    }
}

/// What a provider says in monerod's place.
struct Said {
    status: u16,
    /// A metric's label.
    outcome: &'static str,
    words: String,
}

impl Said {
    fn of_refusal(refusal: &Refusal) -> Self {
        let (status, outcome) = match refusal {
            Refusal::Batch | Refusal::NoCall(_) | Refusal::NoFields(_) => (400, "malformed"),
            Refusal::Path(_) | Refusal::Method(_) => (403, "forbidden"),
        };
        Self { status, outcome, words: refusal.to_string() }
    }

    /// Why there is no answer of monerod's.
    fn of_error(error: &RpcError) -> Self {
        let words = format!("this provider's monerod: {}", error.public_words());
        match error {
            RpcError::TooLarge { limit, .. } => {
                let words = format!(
                    "monerod's answer is larger than the {limit} bytes that are carried here; a \
                     stream of this service carries more"
                );
                Self { status: 507, outcome: "too_large", words }
            }
            RpcError::TimedOut { .. } => Self { status: 504, outcome: "too_slow", words },
            _ => Self { status: 503, outcome: "unavailable", words },
        }
    }

    /// As JSON, like monerod's errors.
    fn answer(&self) -> RpcAnswer {
        let error = serde_json::json!({ "code": self.status, "message": self.words });
        let body = serde_json::json!({ "error": error }).to_string().into_bytes();
        RpcAnswer { status: self.status, content_type: "application/json".to_owned(), body }
    }

    fn reply(&self) -> Reply {
        let response = match self.answer().encode() {
            Ok(answer) => Response::Ok(answer),
            // No words of ours are that long.
            Err(error) => Response::Failed(error.to_string()),
        };
        Reply { response, outcome: self.outcome }
    }
}

#[cfg(test)]
mod tests;
