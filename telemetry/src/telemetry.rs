//! What a process has one of: the span store, the way to the collector, the metric registry.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::registry::Registry;

use crate::export::{Export, Exporter};
use crate::metrics::Families;
use crate::resource;
use crate::service::{Identity, Service};
use crate::store::{Keep, SpanStore};

/// Where spans go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// An OTLP collector's gRPC endpoint, such as `http://localhost:4317`, or `https://…` with TLS. None: not exported.
    pub otlp: Option<String>,
    /// How many finished spans to keep in memory; about 1 kB each. 0: none.
    pub memory_spans: usize,
    /// Whether gateways count dummies as packets, so that nobody who reads their metrics can tell how much of
    /// what clients get is theirs.
    pub hide_dummies: bool,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The collector's endpoint is not one that we can speak to.
    #[error(
        "spans cannot go to `{endpoint}`: {reason}; give an OTLP collector's address (gRPC) such as http://localhost:4317, or https:// with TLS"
    )]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Exporting needs a tokio runtime, and there is none here.
    #[error("spans can be exported to {endpoint} only from within a tokio runtime")]
    NoRuntime {
        /// What was given.
        endpoint: String,
    },
}

/// A process' telemetry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Telemetry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spans: SpanStore,
    exporter: Option<Exporter>,
    families: Families,
    hide_dummies: bool,
    registry: Arc<Mutex<Registry>>,
}

impl Telemetry {
    /// Sets it up. Spans are exported from a task of the tokio runtime that this is called in; a
    /// collector that is away is not an error, now or later. OpenTelemetry's variables are heard: what
    /// `OTEL_RESOURCE_ATTRIBUTES` says goes with each span, and those of the exporter
    /// (`OTEL_EXPORTER_OTLP_HEADERS`, `…_COMPRESSION`, `…_CERTIFICATE`, `…_CLIENT_CERTIFICATE`,
    /// `…_CLIENT_KEY`) say how the collector is reached.
    pub fn new(options: &Options) -> Result<Self, TelemetryError> {
        Self::with_variables(options, |name| std::env::var(name).ok())
    }

    /// The same with other variables than those of the process. Resource attributes that cannot be read are
    /// logged and ignored: spans matter more.
    pub fn with_variables(
        options: &Options,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TelemetryError> {
        let attributes = variable(resource::VARIABLE).unwrap_or_default();
        let surroundings = resource::parse(&attributes).unwrap_or_else(|fault| {
            tracing::warn!(%fault, "{} is ignored", resource::VARIABLE);
            Vec::new()
        });
        let mut registry = Registry::with_prefix("mixbed");
        let families = Families::register(&mut registry);
        let exporter = options
            .otlp
            .as_deref()
            .map(|endpoint| Exporter::start(endpoint, surroundings, families.exported(), variable))
            .transpose()?;
        Ok(Self::assemble(options, exporter, families, registry))
    }

    /// Records no spans; metrics are counted all the same.
    #[must_use]
    pub fn disabled() -> Self {
        let mut registry = Registry::with_prefix("mixbed");
        let families = Families::register(&mut registry);
        Self::assemble(&Options::default(), None, families, registry)
    }

    fn assemble(
        options: &Options,
        exporter: Option<Exporter>,
        families: Families,
        registry: Registry,
    ) -> Self {
        let spans = SpanStore::new(options.memory_spans);
        let hide_dummies = options.hide_dummies;
        let registry = Arc::new(Mutex::new(registry));
        Self { inner: Arc::new(Inner { spans, exporter, families, hide_dummies, registry }) }
    }

    /// What a node, client or directory records its spans through: OpenTelemetry's `service.name`
    /// becomes `mixbed-<role>`, `service.instance.id` the name.
    #[must_use]
    pub fn service(&self, role: &str, name: &str) -> Service {
        let identity = Arc::new(Identity { role: role.to_owned(), name: name.to_owned() });
        let keep = self
            .inner
            .spans
            .keeps()
            .then(|| Keep { service: identity.clone(), store: self.inner.spans.clone() });
        let export =
            self.inner.exporter.as_ref().map(|exporter| Export::new(identity.clone(), exporter));
        Service::new(identity, keep, export)
    }

    /// The spans kept in memory.
    #[must_use]
    pub fn spans(&self) -> &SpanStore {
        &self.inner.spans
    }

    /// The process' metric registry, for metrics that are not mixbed's own.
    #[must_use]
    pub fn registry(&self) -> &Arc<Mutex<Registry>> {
        &self.inner.registry
    }

    pub(crate) fn counts_dummies(&self) -> bool {
        !self.inner.hide_dummies
    }

    pub(crate) fn families(&self) -> &Families {
        &self.inner.families
    }

    /// All metrics as `OpenMetrics` text.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        let registry =
            self.inner.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }

    /// Sends what still waits for the collector, for at most this long. Spans that end later are
    /// not exported.
    pub async fn shutdown(&self, limit: Duration) {
        if let Some(exporter) = &self.inner.exporter {
            exporter.shutdown(limit).await;
        }
    }
}
