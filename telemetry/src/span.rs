//! A span that has not ended.

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Status};

use crate::context::Context;
use crate::names::Attribute;
use crate::value::Value;

/// A span that has not ended. It ends with [`ok`](Self::ok), [`fail`](Self::fail), or when it is
/// dropped; then its status stays unset.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    inner: opentelemetry_sdk::trace::Span,
}

impl Span {
    pub(crate) fn new(inner: opentelemetry_sdk::trace::Span) -> Self {
        Self { inner }
    }

    /// What goes into packets and requests so that others record below this span.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::of(self.inner.span_context())
    }

    /// Says something about the span. Say each thing once: exporters see every call.
    pub fn set(&mut self, key: impl Into<Attribute>, value: impl Into<Value>) {
        self.inner.set_attribute(KeyValue::new(key.into().key(), value.into()));
    }

    /// Something happened, now.
    pub fn event(
        &mut self,
        name: &'static str,
        attributes: impl IntoIterator<Item = (Attribute, Value)>,
    ) {
        let attributes = attributes.into_iter().map(|(key, value)| KeyValue::new(key.key(), value));
        self.inner.add_event(name, attributes.collect());
    }

    /// Ends it well.
    pub fn ok(mut self) {
        self.inner.set_status(Status::Ok);
        self.inner.end();
    }

    /// Ends it badly, and says why.
    pub fn fail(mut self, reason: &str) {
        self.inner.set_status(Status::error(reason.to_owned()));
        self.inner.end();
    }
}
