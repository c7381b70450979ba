//! Sending through the mixnet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mixbed_client::{BroadcastError, BroadcastOptions, Client, ClientConfig, RequestError, State};
use mixbed_directory::{Follower, FollowerConfig};
use mixbed_fronts::{RpcConfig, RpcFront};

use crate::core::Outcome;
use crate::{RunConfig, RunError};

/// The longest single attempt: then the document, and what is known of providers, is looked at
/// afresh.
const ATTEMPT: Duration = Duration::from_secs(60);

/// The run's own client.
#[derive(Clone, Debug)]
pub(crate) struct Mixnet {
    client: Client,
    traced: bool,
}

impl Mixnet {
    pub(crate) fn start(config: &RunConfig) -> Result<Self, RunError> {
        let directory =
            Follower::start(FollowerConfig::new(&config.directory, config.trust.clone()))?;
        let client = Client::connect(ClientConfig {
            name: config.name.clone(),
            gateway: config.gateway.clone(),
            telemetry: config.telemetry.clone(),
            ..ClientConfig::new(directory)
        });
        Ok(Self { client, traced: config.tasks.traced })
    }

    /// A monerod's RPC by way of providers, for the wallet beside this process.
    pub(crate) async fn daemon_at(&self, listen: SocketAddr) -> Result<RpcFront, RunError> {
        let config = RpcConfig { listen, ..RpcConfig::default() };
        RpcFront::start(self.client.clone(), config)
            .await
            .map_err(|error| RunError::Config(error.to_string()))
    }

    /// What holds it up, in words; empty if nothing does.
    pub(crate) fn trouble(&self) -> String {
        match &*self.client.state().borrow() {
            State::Ready | State::Degraded { sending: true, .. } => String::new(),
            State::Connecting => "the mixnet is not reached yet".to_owned(),
            State::Degraded { why, .. } => format!("the mixnet: {why}"),
            State::Stopped => "the client has stopped".to_owned(),
        }
    }

    /// Sends one transaction and waits for a provider's word, for at most `left`.
    pub(crate) async fn broadcast(&self, raw: Arc<[u8]>, left: Duration) -> Outcome {
        let allowed =
            self.client.directory().current().is_none_or(|d| d.parameters.tracing_allowed);
        let mut options = BroadcastOptions {
            deadline: left.min(ATTEMPT),
            traced: self.traced && allowed,
            // The run asks the monerods themselves.
            confirm: false,
            ..BroadcastOptions::default()
        };
        let mut result = self.client.broadcast(&raw, options.clone()).await;
        if let Err(BroadcastError::Request(RequestError::TracingNotAllowed)) = &result {
            options.traced = false;
            result = self.client.broadcast(&raw, options).await;
        }
        match result {
            Ok(report) => Outcome::Accepted {
                provider: report.provider,
                trace_id: report.trace_id.map(hex::encode),
            },
            Err(error @ (BroadcastError::Rejected { .. } | BroadcastError::TooLarge(_))) => {
                Outcome::Rejected { words: error.to_string() }
            }
            Err(error) => Outcome::Unknown { words: error.to_string() },
        }
    }

    pub(crate) async fn stop(&self) {
        self.client.stop().await;
    }
}
