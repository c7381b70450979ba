//! The mixnet as the way to a daemon.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mixbed_client::{Answer, Client, RequestError, RequestOptions};
use mixbed_wire::message::{RPC_SERVICE, RpcAnswer, RpcRequest};
use monero_daemon_rpc::HttpTransport;
use monero_wallet::interface::InterfaceError;

/// How long one question may take, repetitions and all.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long a provider may be silent before another one is asked.
const SILENCE: Duration = Duration::from_secs(10);

/// Providers that are asked the same question, one after another.
const TRIES: usize = 3;

/// What a daemon of 0.18 says to several calls in one. The provider judges each call by its method and
/// takes one at a time, so this is said here, without a way there and back.
const NO_BATCHES: &[u8] =
    br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"one call at a time"}}"#;

/// A daemon's RPC through the mixnet: each call is one message to a provider, which puts it to its
/// monerod. All go to one provider while it answers, as two daemons may differ by a block.
#[derive(Clone, Debug)]
pub struct Mixnet {
    client: Client,
    provider: Arc<Mutex<Option<String>>>,
}

impl Mixnet {
    /// The way by this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, provider: Arc::default() }
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The provider that answered last.
    #[must_use]
    pub fn provider(&self) -> Option<String> {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_provider(&self, provider: Option<String>) {
        *self.provider.lock().unwrap_or_else(PoisonError::into_inner) = provider;
    }

    /// Asks the provider that answered last, and others if it does not.
    async fn ask(&self, payload: &[u8], expected: usize) -> Result<Answer, RequestError> {
        let mut tries = 1;
        loop {
            let options = RequestOptions {
                deadline: DEADLINE,
                provider: self.provider(),
                unheard: Some(SILENCE),
                expected,
                ..RequestOptions::default()
            };
            match self.client.request_with(RPC_SERVICE, payload, &options).await {
                Ok(answer) => {
                    self.set_provider(Some(answer.provider.clone()));
                    return Ok(answer);
                }
                Err(error) if tries < TRIES && may_be_the_providers(&error) => {
                    self.set_provider(None);
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl HttpTransport for Mixnet {
    async fn post(
        &self,
        route: &str,
        body: Vec<u8>,
        response_size_limit: Option<usize>,
    ) -> Result<Vec<u8>, InterfaceError> {
        if route == "json_rpc" && body.first() == Some(&b'[') {
            return Ok(NO_BATCHES.to_vec());
        }
        let broken = |why: String| InterfaceError::InterfaceError(format!("{route}: {why}"));
        let kind = if is_binary(route) { "application/octet-stream" } else { "application/json" };
        let request = RpcRequest { path: format!("/{route}"), content_type: kind.to_owned(), body };
        let payload = request.encode().map_err(|error| broken(error.to_string()))?;
        let answer = self.ask(&payload, expected(route)).await;
        let answer = answer.map_err(|error| broken(error.to_string()))?;
        let RpcAnswer { status, body, .. } = RpcAnswer::decode(&answer.data)
            .map_err(|_| broken(format!("{} sent no answer of a daemon's", answer.provider)))?;
        if status != 200 {
            let words = String::from_utf8_lossy(&body);
            return Err(broken(format!("{} says {status}: {words}", answer.provider)));
        }
        match response_size_limit {
            Some(limit) if body.len() > limit => {
                Err(broken(format!("{} bytes of answer, at most {limit} expected", body.len())))
            }
            _ => Ok(body),
        }
    }
}

fn is_binary(route: &str) -> bool {
    std::path::Path::new(route).extension().is_some_and(|extension| extension == "bin")
}

/// How many bytes an answer has, about: reply blocks for so many go with the question. A guess that
/// is too low costs one way there and back more, one that is too high some packets.
fn expected(route: &str) -> usize {
    match route {
        "get_blocks.bin" => 150_000,
        "get_outs.bin" | "get_output_distribution.bin" | "json_rpc" => 4_000,
        "get_transactions" => 8_000,
        _ => 0,
    }
}

/// Whether another provider may do better.
fn may_be_the_providers(error: &RequestError) -> bool {
    matches!(
        error,
        RequestError::NoProvider { provider: Some(_), .. }
            | RequestError::DeadlinePassed { .. }
            | RequestError::ProviderGone { .. }
            | RequestError::UnknownService { .. }
            | RequestError::Failed { .. }
    )
}
