//! What lies behind the endpoint; something else in tests.

use std::future::Future;
use std::time::Duration;

use mixbed_client::{
    Answer, BroadcastError, BroadcastOptions, BroadcastReport, Client, RequestError,
    RequestOptions, Stream, StreamError, StreamOptions,
};
use mixbed_wire::message::{KNOWN_SERVICE, RPC_SERVICE};
use tokio::io::{AsyncRead, AsyncWrite};

/// The way to the providers.
pub(super) trait Mixnet: Clone + Send + Sync + 'static {
    /// Bytes from a provider and to it.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// The names of the providers that answer wallets' questions, as far as is known.
    fn offering(&self) -> Vec<String>;

    /// Asks one of them.
    fn ask(
        &self,
        payload: &[u8],
        options: &RequestOptions,
    ) -> impl Future<Output = Result<Answer, RequestError>> + Send;

    /// A stream to one of them, by name or to any, for a question whose answer no message carries.
    fn open(
        &self,
        provider: Option<String>,
        deadline: Duration,
    ) -> impl Future<Output = Result<Self::Stream, StreamError>> + Send;

    /// Submits a transaction: one provider's word. `traced`: if the network allows it; `not`: those that are
    /// asked last.
    fn broadcast(
        &self,
        raw: &[u8],
        deadline: Duration,
        traced: bool,
        not: Vec<String>,
    ) -> impl Future<Output = Result<BroadcastReport, BroadcastError>> + Send;

    /// Sees to it that a transaction that a provider has by its own word, as reported, is known to
    /// another, and hands it to others if not. A wallet does not wait for that: between two monerods it may take
    /// half a minute.
    fn confirm(&self, raw: &[u8], report: BroadcastReport) -> impl Future<Output = ()> + Send;
}

/// How long it is tried to have a transaction confirmed.
const CONFIRM: Duration = Duration::from_secs(120);

fn offering(client: &Client, service: &str) -> Vec<String> {
    let Some(document) = client.directory().current() else { return Vec::new() };
    let offers = |services: &[String]| services.iter().any(|offered| offered == service);
    let found = document.nodes.iter().filter(|node| offers(&node.services));
    found.map(|node| node.name.clone()).collect()
}

impl Mixnet for Client {
    type Stream = Stream;

    fn offering(&self) -> Vec<String> {
        offering(self, RPC_SERVICE)
    }

    async fn ask(&self, payload: &[u8], options: &RequestOptions) -> Result<Answer, RequestError> {
        self.request_with(RPC_SERVICE, payload, options).await
    }

    async fn open(
        &self,
        provider: Option<String>,
        deadline: Duration,
    ) -> Result<Stream, StreamError> {
        // Nothing is to tie it to what goes through the SOCKS port.
        let isolation = Some(RPC_SERVICE.to_owned());
        let options = StreamOptions { deadline, provider, isolation, early: true };
        Client::open(self, RPC_SERVICE, "", options).await
    }

    async fn broadcast(
        &self,
        raw: &[u8],
        deadline: Duration,
        traced: bool,
        not: Vec<String>,
    ) -> Result<BroadcastReport, BroadcastError> {
        let document = self.directory().current();
        let allowed = document.is_some_and(|document| document.parameters.tracing_allowed);
        let traced = traced && allowed;
        let options = BroadcastOptions {
            deadline,
            traced,
            not,
            confirm: false,
            ..BroadcastOptions::default()
        };
        Client::broadcast(self, raw, options).await
    }

    async fn confirm(&self, raw: &[u8], report: BroadcastReport) {
        if offering(self, KNOWN_SERVICE).len() < 2 {
            return;
        }
        let options = BroadcastOptions { deadline: CONFIRM, ..BroadcastOptions::default() };
        match Client::confirm(self, raw, report, options).await {
            Ok(BroadcastReport { confirmed_by: Some(_), .. }) => {
                tracing::info!("another provider knows a wallet's transaction");
            }
            Ok(_) => {
                tracing::warn!(
                    "no other provider could say whether it knows a wallet's transaction"
                );
            }
            Err(why) => tracing::warn!(%why, "a wallet's transaction is not confirmed"),
        }
    }
}
