//! What lies behind the endpoint; something else in tests.

use std::future::Future;
use std::time::Duration;

use mixbed_client::{
    Answer, BroadcastError, BroadcastOptions, BroadcastReport, Client, RequestError, RequestOptions,
};
use mixbed_wire::message::RPC_SERVICE;

/// The way to the providers.
pub(super) trait Mixnet: Clone + Send + Sync + 'static {
    /// The names of the providers that answer wallets' questions, as far as is known.
    fn offering(&self) -> Vec<String>;

    /// Asks one of them.
    fn ask(
        &self,
        payload: &[u8],
        options: &RequestOptions,
    ) -> impl Future<Output = Result<Answer, RequestError>> + Send;

    /// Submits a transaction.
    fn broadcast(
        &self,
        raw: &[u8],
        deadline: Duration,
    ) -> impl Future<Output = Result<BroadcastReport, BroadcastError>> + Send;
}

impl Mixnet for Client {
    fn offering(&self) -> Vec<String> {
        let Some(document) = self.directory().current() else { return Vec::new() };
        let offers = |services: &[String]| services.iter().any(|service| service == RPC_SERVICE);
        let found = document.nodes.iter().filter(|node| offers(&node.services));
        found.map(|node| node.name.clone()).collect()
    }

    async fn ask(&self, payload: &[u8], options: &RequestOptions) -> Result<Answer, RequestError> {
        self.request_with(RPC_SERVICE, payload, options).await
    }

    async fn broadcast(
        &self,
        raw: &[u8],
        deadline: Duration,
    ) -> Result<BroadcastReport, BroadcastError> {
        let options = BroadcastOptions { deadline, ..BroadcastOptions::default() };
        Client::broadcast(self, raw, options).await
    }
}
