//! Who records: a node, a client or a directory.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, SpanBuilder, Status, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanProcessor};

use crate::context::Context;
use crate::hop::{Hop, HopOutcome};
use crate::names::SpanName;
use crate::span::Span;

/// Who a service is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) role: String,
    pub(crate) name: String,
}

impl Identity {
    /// The service as a collector sees it, `more` being what is the same for all of the process.
    pub(crate) fn resource(&self, more: &[KeyValue]) -> Resource {
        Resource::builder_empty()
            .with_attributes(more.iter().cloned())
            .with_service_name(format!("mixbed-{}", self.role))
            .with_attribute(KeyValue::new("service.instance.id", self.name.clone()))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build()
    }
}

/// What one node, client or directory records its spans through. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Service {
    identity: Arc<Identity>,
    tracer: SdkTracer,
    hop: Arc<str>,
    records: bool,
}

impl Service {
    pub(crate) fn new(
        identity: Arc<Identity>,
        keep: Option<impl SpanProcessor + 'static>,
        export: Option<impl SpanProcessor + 'static>,
    ) -> Self {
        let records = keep.is_some() || export.is_some();
        let mut provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            // The exporter has its own; this one nobody reads.
            .with_resource(identity.resource(&[]));
        if let Some(keep) = keep {
            provider = provider.with_span_processor(keep);
        }
        if let Some(export) = export {
            provider = provider.with_span_processor(export);
        }
        Self {
            hop: format!("{} {}", SpanName::Hop, identity.name).into(),
            tracer: provider.build().tracer("mixbed"),
            identity,
            records,
        }
    }

    /// Starts a span now: a new trace's root if it has no parent. It is always sampled; whoever
    /// calls this has decided to trace. Its ids are real even where nothing is recorded, so that
    /// others can record below it.
    pub fn span(&self, name: SpanName, parent: Option<Context>) -> Span {
        let builder = match name {
            SpanName::Hop => SpanBuilder::from_name(self.hop.to_string()),
            name => SpanBuilder::from_name(name.as_str()),
        };
        let builder = builder.with_kind(name.kind());
        Span::new(self.tracer.build_with_context(builder, &Context::as_parent(parent)))
    }

    /// Starts a span that began earlier: for work that is told of only if there was any. As
    /// [`span`](Self::span) otherwise.
    pub fn span_since(&self, name: SpanName, began: SystemTime) -> Span {
        let builder =
            SpanBuilder::from_name(name.as_str()).with_kind(name.kind()).with_start_time(began);
        Span::new(self.tracer.build_with_context(builder, &Context::as_parent(None)))
    }

    /// Records one packet's finished stay here. Call it only for packets that carry a context.
    pub fn record_hop(&self, hop: &Hop) {
        if !self.records {
            return;
        }
        let builder = SpanBuilder::from_name(self.hop.to_string())
            .with_kind(SpanName::Hop.kind())
            .with_start_time(hop.arrived)
            .with_attributes(hop.attributes(&self.identity.role, &self.identity.name));
        let parent = Context::as_parent(Some(hop.context));
        let mut span = self.tracer.build_with_context(builder, &parent);
        if let HopOutcome::Dropped(reason) = hop.outcome {
            span.set_status(Status::error(reason));
        }
        span.end_with_timestamp(hop.ended());
    }

    /// The node's, client's or directory's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// Its role.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.identity.role
    }
}
