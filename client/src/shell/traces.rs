//! The spans of traced messages' packets.

use std::collections::HashMap;

use mixbed_directory::Document;
use mixbed_telemetry::{Attribute, Context, Hop, Service, Span, SpanName};
use mixbed_wire::{NodeId, TraceContext};

use crate::core::{Content, Draft, MessageNo, PacketNo, Payload};

/// Open spans of packets, by packet.
pub(super) struct Traces {
    spans: Service,
    open: HashMap<PacketNo, (MessageNo, Span)>,
}

impl Traces {
    pub(super) fn new(spans: Service) -> Self {
        Self { spans, open: HashMap::new() }
    }

    /// Begins a packet's span below its message's; the packet carries its context.
    pub(super) fn begin(&mut self, draft: &Draft, parent: Context) -> TraceContext {
        let mut span = self.spans.span(SpanName::Packet, Some(parent));
        span.set(Attribute::Attempt, draft.attempt);
        span.set(Attribute::PacketKind, "payload");
        if let Content::Fragment { index, .. } = draft.content {
            span.set(Attribute::Fragment, u32::from(index));
        }
        let Context { trace_id, span_id } = span.context();
        self.open.insert(draft.packet, (draft.number, span));
        TraceContext { trace_id, span_id }
    }

    /// Says which way the packet takes.
    pub(super) fn routed(&mut self, payload: &Payload, route: &[NodeId], document: &Document) {
        if let Payload::Message(draft) = payload
            && let Some((_, span)) = self.open.get_mut(&draft.packet)
        {
            let name = |id: &NodeId| {
                document.node(id).map_or_else(|| id.to_string(), |node| node.name.clone())
            };
            span.set(Attribute::Route, route.iter().map(name).collect::<Vec<_>>().join(" "));
        }
    }

    pub(super) fn answered(&mut self, packet: PacketNo) {
        if let Some((_, span)) = self.open.remove(&packet) {
            span.ok();
        }
    }

    pub(super) fn failed(&mut self, packet: PacketNo, why: &str) {
        if let Some((_, span)) = self.open.remove(&packet) {
            span.fail(why);
        }
    }

    /// Ends what is still open of a message.
    pub(super) fn message_ended(&mut self, message: MessageNo) {
        self.open.retain(|_, (of, _)| *of != message);
    }

    /// The last hop of a reply: the client itself.
    pub(super) fn hop(&self, hop: &Hop) {
        self.spans.record_hop(hop);
    }
}
