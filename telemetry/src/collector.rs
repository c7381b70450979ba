//! Takes spans from the queue and sends them to the collector, in batches.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{Compression, SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::export::Item;
use crate::metrics::Exported;
use crate::service::Identity;
use crate::way::Way;

/// Spans sent at once: well under gRPC's 4 MiB.
const BATCH: usize = 512;
/// How long a batch fills.
const FILL: Duration = Duration::from_millis(500);
/// How long one batch of one service may take, the exporter's retries included.
pub(crate) const EXPORT_LIMIT: Duration = Duration::from_secs(3);

/// The queue's receiving end.
pub(crate) struct Collector {
    endpoint: String,
    way: Way,
    /// One exporter for each service, because its resource differs; all share the channel.
    services: HashMap<Arc<Identity>, Result<SpanExporter, String>>,
    /// What all their resources say besides.
    surroundings: Vec<KeyValue>,
    counts: Exported,
    failing: bool,
}

impl Collector {
    pub(crate) fn new(
        endpoint: &str,
        way: Way,
        surroundings: Vec<KeyValue>,
        counts: Exported,
    ) -> Self {
        let (endpoint, services) = (endpoint.to_owned(), HashMap::new());
        Self { endpoint, way, services, surroundings, counts, failing: false }
    }

    pub(crate) async fn run(mut self, mut items: mpsc::Receiver<Item>) {
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
                while let Ok(Item::Span(..)) = items.try_recv() {
                    self.counts.lost_shut_down.inc();
                }
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
                let exporter = exporter(&self.way, &service.resource(&self.surroundings));
                self.services.insert(service.clone(), exporter);
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

fn exporter(way: &Way, resource: &Resource) -> Result<SpanExporter, String> {
    let mut builder = SpanExporter::builder()
        .with_tonic()
        .with_channel(way.channel.clone())
        .with_metadata(way.headers.clone())
        .with_timeout(EXPORT_LIMIT);
    if way.gzip {
        builder = builder.with_compression(Compression::Gzip);
    }
    let mut exporter = builder.build().map_err(|error| error.to_string())?;
    exporter.set_resource(resource);
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
        let way = Way::new("http://127.0.0.1:1", |_| None).unwrap();
        let counts = Telemetry::disabled().families().exported();
        let mut collector = Collector::new("http://collector:4317", way, Vec::new(), counts);
        tracing::subscriber::with_default(subscriber, || {
            for failure in [None, Some("away"), Some("away"), None, None, Some("away again")] {
                collector.report(failure);
            }
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let levels: Vec<_> = text.lines().map(|l| l.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(levels, ["WARN", "INFO", "WARN"], "{text}");
        assert!(text.contains("http://collector:4317") && text.contains("away again"), "{text}");
    }
}
