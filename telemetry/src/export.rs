//! The way to the OTLP collector: one bounded queue and one task for all services of the process.
//!
//! The SDK's own batch processor is a thread for each service, and logs each failure.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _, SpanProcessor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

use crate::metrics::Exported;
use crate::service::Identity;
use crate::telemetry::TelemetryError;

/// Spans that wait: about 1 kB each, so 4 MiB when the collector is away.
const QUEUE: usize = 4096;
/// Spans sent at once: well under gRPC's 4 MiB.
const BATCH: usize = 512;
/// How long a batch fills.
const FILL: Duration = Duration::from_millis(500);
/// How long one batch of one service may take, the exporter's retries included.
const EXPORT_LIMIT: Duration = Duration::from_secs(3);

enum Item {
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
    pub(crate) fn start(endpoint: &str, counts: Exported) -> Result<Self, TelemetryError> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| TelemetryError::NoRuntime { endpoint: endpoint.to_owned() })?;
        let invalid =
            |reason: String| TelemetryError::Endpoint { endpoint: endpoint.to_owned(), reason };
        let address = Endpoint::from_shared(endpoint.to_owned())
            .map_err(|error| invalid(error.to_string()))?;
        if address.uri().scheme_str() != Some("http") {
            return Err(invalid("its scheme is not http".to_owned()));
        }
        let channel = address.connect_timeout(EXPORT_LIMIT).connect_lazy();
        let (queue, items) = mpsc::channel(QUEUE);
        let sender = Sender {
            endpoint: endpoint.to_owned(),
            channel,
            services: HashMap::new(),
            counts: counts.clone(),
            failing: false,
        };
        runtime.spawn(sender.run(items));
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

/// The receiving end.
struct Sender {
    endpoint: String,
    channel: Channel,
    /// One exporter for each service, because its resource differs; all share the channel.
    services: HashMap<Arc<Identity>, Result<SpanExporter, String>>,
    counts: Exported,
    failing: bool,
}

impl Sender {
    async fn run(mut self, mut items: mpsc::Receiver<Item>) {
        let mut batch = Vec::with_capacity(BATCH);
        while items.recv_many(&mut batch, BATCH).await > 0 {
            let filled = async {
                while batch.len() < BATCH && !batch.iter().any(|item| matches!(item, Item::Last(_)))
                {
                    let room = BATCH - batch.len();
                    if items.recv_many(&mut batch, room).await == 0 {
                        break;
                    }
                }
            };
            let _ = timeout(FILL, filled).await;
            let (groups, last) = sort(batch.drain(..));
            self.send(groups).await;
            if let Some(done) = last {
                items.close();
                let _ = done.send(());
                return;
            }
        }
    }

    /// All services' spans at the same time: a collector that hangs costs one limit, not one for
    /// each.
    async fn send(&mut self, groups: Groups) {
        for service in groups.keys() {
            if !self.services.contains_key(service) {
                self.services.insert(service.clone(), exporter(&self.channel, service));
            }
        }
        let services = &self.services;
        let sending = groups.into_iter().filter_map(|(service, spans)| {
            let exporter = services.get(&service)?;
            Some(async move { (spans.len() as u64, export(exporter, spans).await) })
        });
        let mut failure = None;
        for (count, outcome) in join_all(sending).await {
            match outcome {
                Ok(()) => self.counts.sent.inc_by(count),
                Err(reason) => {
                    failure = Some(reason);
                    self.counts.lost_collector.inc_by(count)
                }
            };
        }
        self.report(failure.as_deref());
    }

    /// Says once that the collector fails, and once that it is back: one that is away must not
    /// fill the log.
    fn report(&mut self, failure: Option<&str>) {
        match (self.failing, failure) {
            (false, Some(reason)) => tracing::warn!(
                endpoint = self.endpoint,
                reason,
                "the trace collector does not take spans; they are lost until it does"
            ),
            (true, None) => {
                tracing::info!(endpoint = self.endpoint, "the trace collector takes spans again");
            }
            _ => {}
        }
        self.failing = failure.is_some();
    }
}

type Outcome = Result<(), String>;

fn exporter(channel: &Channel, service: &Identity) -> Result<SpanExporter, String> {
    let mut exporter = SpanExporter::builder()
        .with_tonic()
        .with_channel(channel.clone())
        .with_timeout(EXPORT_LIMIT)
        .build()
        .map_err(|error| error.to_string())?;
    exporter.set_resource(&service.resource());
    Ok(exporter)
}

async fn export(exporter: &Result<SpanExporter, String>, spans: Vec<SpanData>) -> Outcome {
    let exporter = exporter.as_ref().map_err(Clone::clone)?;
    match timeout(EXPORT_LIMIT, exporter.export(spans)).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {EXPORT_LIMIT:?}")),
    }
}

type Groups = HashMap<Arc<Identity>, Vec<SpanData>>;

fn sort(items: impl Iterator<Item = Item>) -> (Groups, Option<oneshot::Sender<()>>) {
    let mut groups = Groups::new();
    let mut last = None;
    for item in items {
        match item {
            Item::Span(service, span) => groups.entry(service).or_default().push(*span),
            Item::Last(done) => last = Some(done),
        }
    }
    (groups, last)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::Telemetry;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_collector_that_is_away_is_logged_once() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
        let mut sender = Sender {
            endpoint: "http://collector:4317".to_owned(),
            channel: Endpoint::from_static("http://127.0.0.1:1").connect_lazy(),
            services: HashMap::new(),
            counts: Telemetry::disabled().families().exported(),
            failing: false,
        };
        tracing::subscriber::with_default(subscriber, || {
            for failure in [None, Some("away"), Some("away"), None, None, Some("away again")] {
                sender.report(failure);
            }
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let levels: Vec<_> = text.lines().map(|l| l.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(levels, ["WARN", "INFO", "WARN"], "{text}");
        assert!(text.contains("http://collector:4317") && text.contains("away again"), "{text}");
    }
}
