//! The way to the OTLP collector: one bounded queue and one task for all services of the process.
//!
//! The SDK's own batch processor is a thread for each service, and logs each failure.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanProcessor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::collector::Collector;
use crate::metrics::Exported;
use crate::service::Identity;
use crate::telemetry::TelemetryError;
use crate::way::Way;

/// Spans that wait: about 1 kB each, so 4 MiB when the collector is away.
const QUEUE: usize = 4096;

/// What goes through the queue.
pub(crate) enum Item {
    /// A finished span, and whose it is.
    Span(Arc<Identity>, Box<SpanData>),
    /// Answered when all that came before it was sent or given up. Ends the task.
    Last(oneshot::Sender<()>),
}

/// The sending end. Dropping the last one ends the task.
#[derive(Clone, Debug)]
pub(crate) struct Exporter {
    queue: mpsc::Sender<Item>,
    counts: Exported,
}

impl Exporter {
    pub(crate) fn start(
        endpoint: &str,
        surroundings: Vec<KeyValue>,
        counts: Exported,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TelemetryError> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| TelemetryError::NoRuntime { endpoint: endpoint.to_owned() })?;
        let way = Way::new(endpoint, variable)
            .map_err(|reason| TelemetryError::Endpoint { endpoint: endpoint.to_owned(), reason })?;
        let (queue, items) = mpsc::channel(QUEUE);
        let collector = Collector::new(endpoint, way, surroundings, counts.clone());
        runtime.spawn(collector.run(items));
        Ok(Self { queue, counts })
    }

    pub(crate) async fn shutdown(&self, limit: Duration) {
        let finish = async {
            let (done, finished) = oneshot::channel();
            if self.queue.send(Item::Last(done)).await.is_ok() {
                let _ = finished.await;
            }
        };
        if timeout(limit, finish).await.is_err() {
            tracing::warn!(?limit, "the trace collector did not take all spans in time");
        }
    }
}

/// Puts what a service records into the queue.
#[derive(Debug)]
pub(crate) struct Export {
    service: Arc<Identity>,
    exporter: Exporter,
}

impl Export {
    pub(crate) fn new(service: Arc<Identity>, exporter: &Exporter) -> Self {
        Self { service, exporter: exporter.clone() }
    }
}

impl SpanProcessor for Export {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        let item = Item::Span(self.service.clone(), Box::new(span));
        match self.exporter.queue.try_send(item) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.exporter.counts.lost_queue_full.inc();
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.exporter.counts.lost_shut_down.inc();
            }
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
