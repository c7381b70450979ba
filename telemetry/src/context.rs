//! Which span of which trace something belongs to.

use std::fmt;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

/// The place in a trace that a packet or a request carries along: the W3C trace id and the id of
/// the span that is the parent of whatever happens next.
///
/// Neither id is all zero; "not traced" is `None` of an `Option<Context>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Context {
    /// W3C trace id.
    pub trace_id: [u8; 16],
    /// Id of the parent span.
    pub span_id: [u8; 8],
}

impl Context {
    /// Reads the ids as a packet carries them. `None` if either is all zero: untraced.
    #[must_use]
    pub fn from_bytes(trace_id: [u8; 16], span_id: [u8; 8]) -> Option<Self> {
        (trace_id != [0; 16] && span_id != [0; 8]).then_some(Self { trace_id, span_id })
    }

    /// The trace id as 32 hexadecimal digits, as every tracing tool shows it.
    #[must_use]
    pub fn trace_hex(&self) -> String {
        hex::encode(self.trace_id)
    }

    pub(crate) fn of(span: &SpanContext) -> Self {
        Self { trace_id: span.trace_id().to_bytes(), span_id: span.span_id().to_bytes() }
    }

    /// As the parent of a new span; sampled, because tracing was decided where the trace began.
    pub(crate) fn as_parent(parent: Option<Self>) -> opentelemetry::Context {
        let context = opentelemetry::Context::new();
        match parent {
            None => context,
            Some(parent) => context.with_remote_span_context(SpanContext::new(
                TraceId::from_bytes(parent.trace_id),
                SpanId::from_bytes(parent.span_id),
                TraceFlags::SAMPLED,
                true,
                TraceState::default(),
            )),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({}/{})", hex::encode(self.trace_id), hex::encode(self.span_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_ids_mean_untraced() {
        assert_eq!(Context::from_bytes([0; 16], [1; 8]), None);
        assert_eq!(Context::from_bytes([1; 16], [0; 8]), None);
        let context = Context::from_bytes([1; 16], [2; 8]).unwrap();
        assert_eq!(context.trace_hex(), "01".repeat(16));
    }
}
