//! Mailboxes as a part of a gateway.

use std::sync::Arc;

use mixbed_telemetry::{MailboxMetrics, ProviderMetrics, Service as Spans, Telemetry};
use mixbed_wire::LinkSecret;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::provider::{Provider, ProviderConfig, ReplySink, Service};

use super::{Clerk, Mailbox, MailboxConfig, Relay, StoreError};

/// What of a gateway its mailboxes use.
pub(crate) struct Gateway<'a> {
    pub(crate) network: &'a Arc<str>,
    pub(crate) link_key: &'a LinkSecret,
    pub(crate) replies: Arc<dyn ReplySink>,
    pub(crate) spans: Spans,
    pub(crate) telemetry: &'a Telemetry,
    pub(crate) tasks: &'a TaskTracker,
    pub(crate) stop: &'a CancellationToken,
}

/// Opens the mailboxes and starts their service, and `relay` beside it: requests come and are answered as at a provider,
/// by routes that end at the gateway.
pub(crate) fn start(config: &MailboxConfig, gateway: Gateway<'_>) -> Result<Provider, StoreError> {
    if config.keep_in.is_none() {
        let gateway = gateway.spans.name();
        tracing::info!(gateway, "no state directory: letters are kept in memory only");
    }
    let Gateway { network, link_key, replies, spans, telemetry, tasks, stop } = gateway;
    let (clerk, desk) = Clerk::new(config, MailboxMetrics::new(telemetry, spans.name()))?;
    tasks.spawn(clerk.run(stop.clone()));
    let network = Arc::clone(network);
    let mailbox: Arc<dyn Service> = Arc::new(Mailbox { network, own: link_key.clone(), desk });
    let relay: Arc<dyn Service> = Arc::new(Relay::new(Arc::clone(&replies)));
    let metrics = ProviderMetrics::new(telemetry, spans.name());
    let config = ProviderConfig::default();
    Ok(Provider::with_services(&config, vec![mailbox, relay], replies, spans, metrics))
}
