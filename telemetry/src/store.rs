//! The spans that are kept in memory: for the demo's table, `mixbed trace`, and tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanProcessor};
use tokio::sync::watch;

use crate::names::Attribute;
use crate::record::SpanRecord;
use crate::service::Identity;

/// The last spans that ended in this process, in the order in which they ended. Cheap to clone;
/// clones see the same spans. Holds at most as many as [`Options::memory_spans`] says: the oldest
/// makes room.
///
/// [`Options::memory_spans`]: crate::Options::memory_spans
#[derive(Clone, Debug)]
pub struct SpanStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    capacity: usize,
    spans: Mutex<VecDeque<SpanRecord>>,
    /// How many spans have ever been kept.
    kept: watch::Sender<u64>,
}

impl SpanStore {
    pub(crate) fn new(capacity: usize) -> Self {
        let inner = Inner { capacity, spans: Mutex::default(), kept: watch::Sender::new(0) };
        Self { inner: Arc::new(inner) }
    }

    /// Whether anything is kept at all.
    pub(crate) fn keeps(&self) -> bool {
        self.inner.capacity > 0
    }

    fn spans(&self) -> MutexGuard<'_, VecDeque<SpanRecord>> {
        // A push is the only change: a thread that panicked in between left nothing half done.
        self.inner.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keep(&self, record: SpanRecord) {
        {
            let mut spans = self.spans();
            if spans.len() >= self.inner.capacity {
                spans.pop_front();
            }
            spans.push_back(record);
        }
        self.inner.kept.send_modify(|kept| *kept += 1);
    }

    /// The spans of one trace that are still kept, by their start.
    #[must_use]
    pub fn trace(&self, trace_id: [u8; 16]) -> Vec<SpanRecord> {
        let mut found: Vec<_> =
            self.spans().iter().filter(|span| span.trace_id == trace_id).cloned().collect();
        found.sort_by_key(|span| span.start);
        found
    }

    /// The trace of the newest span that has this attribute with this text, such as the txid.
    #[must_use]
    pub fn find(&self, key: impl Into<Attribute>, text: &str) -> Option<[u8; 16]> {
        let key = key.into().key();
        let has = |span: &&SpanRecord| {
            span.attributes.get(key).and_then(crate::Value::as_str) == Some(text)
        };
        self.spans().iter().rev().find(has).map(|span| span.trace_id)
    }

    /// The newest spans, newest first, at most `limit`.
    #[must_use]
    pub fn recent(&self, limit: usize) -> Vec<SpanRecord> {
        self.spans().iter().rev().take(limit).cloned().collect()
    }

    /// How many spans are kept now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans().len()
    }

    /// Whether none is kept now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes (to the number of spans ever kept) with every span: to wait on.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.kept.subscribe()
    }

    /// Waits until a trace's spans meet a condition, and returns them. Does not end by itself if
    /// they never do: put a time limit around it.
    pub async fn wait_for(
        &self,
        trace_id: [u8; 16],
        mut condition: impl FnMut(&[SpanRecord]) -> bool,
    ) -> Vec<SpanRecord> {
        let mut changed = self.changed();
        loop {
            changed.mark_unchanged();
            let spans = self.trace(trace_id);
            if condition(&spans) {
                return spans;
            }
            // The sender lives in `self`: this cannot fail while we wait.
            let _ = changed.changed().await;
        }
    }
}

/// Puts what a service records into the store.
#[derive(Debug)]
pub(crate) struct Keep {
    pub(crate) service: Arc<Identity>,
    pub(crate) store: SpanStore,
}

impl SpanProcessor for Keep {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        self.store.keep(SpanRecord::new(&self.service.role, &self.service.name, span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
