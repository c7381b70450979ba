//! The names of spans and attributes. `docs/tracing.md` is generated from them.

use std::fmt;

use opentelemetry::trace::SpanKind;

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanName {
    /// A transaction's whole way, in the client: from the order to the provider's word.
    Broadcast,
    /// A message sent and answered for, in the client: its packets are below it.
    Message,
    /// One packet's way, in whoever made it: its hops are below it.
    Packet,
    /// A packet at one node. The span's name includes the node's.
    Hop,
    /// The provider handles `monero.submit`.
    ProviderSubmit,
    /// The provider handles a request to any other service.
    ProviderRequest,
    /// The provider's calls to monerod for one submission.
    Monerod,
    /// The operator makes a resource's spec true.
    Reconcile,
}

impl SpanName {
    /// Every name, in the order of the reference.
    pub const ALL: [Self; 8] = [
        Self::Broadcast,
        Self::Message,
        Self::Packet,
        Self::Hop,
        Self::ProviderSubmit,
        Self::ProviderRequest,
        Self::Monerod,
        Self::Reconcile,
    ];

    /// The name without a node's.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Message => "message",
            Self::Packet => "packet",
            Self::Hop => "hop",
            Self::ProviderSubmit => "provider submit",
            Self::ProviderRequest => "provider request",
            Self::Monerod => "monerod",
            Self::Reconcile => "reconcile",
        }
    }

    /// Who records it, and what it covers.
    pub(crate) fn meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::Broadcast => (
                "client",
                "A transaction's whole way, from the order to the provider's word. Root of its trace.",
            ),
            Self::Message => {
                ("client", "A message until all of it is answered for or its deadline has passed.")
            }
            Self::Packet => (
                "client",
                "One packet from its making until it is answered for. Every hop hangs under it, there and back.",
            ),
            Self::Hop => (
                "gateway, mix, provider, client",
                "A packet at one node, from its arrival until it is written to the next link. The name ends with the node's: `hop gateway-0`.",
            ),
            Self::ProviderSubmit => ("provider", "One `monero.submit` request, retries included."),
            Self::ProviderRequest => ("provider", "One request to any other service."),
            Self::Monerod => (
                "provider",
                "All calls to monerod for one submission, pauses between them included. Each call is an event `call` in it.",
            ),
            Self::Reconcile => (
                "operator",
                "A reconcile that changed something, from what was observed until the status is written. A trace of its own; each changed object is an event `applied` in it.",
            ),
        }
    }

    pub(crate) fn kind(self) -> SpanKind {
        match self {
            Self::Broadcast | Self::Message | Self::Reconcile => SpanKind::Internal,
            Self::Packet => SpanKind::Producer,
            Self::Hop => SpanKind::Consumer,
            Self::ProviderSubmit | Self::ProviderRequest => SpanKind::Server,
            Self::Monerod => SpanKind::Client,
        }
    }
}

impl fmt::Display for SpanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! attributes {
    ($($(#[$doc:meta])* $variant:ident = $key:literal, $on:literal, $meaning:literal;)*) => {
        /// What a span says about itself. `Attribute::from("my.key")` makes one that is not listed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Attribute {
            $(#[doc = $meaning] $variant,)*
            /// A key that is not listed here.
            Other(&'static str),
        }

        impl Attribute {
            /// Every listed attribute: the attribute, the spans that have it, what it says.
            pub(crate) const LISTED: &'static [(Self, &'static str, &'static str)] =
                &[$((Self::$variant, $on, $meaning),)*];

            /// The attribute's key.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)*
                    Self::Other(key) => key,
                }
            }
        }
    };
}

attributes! {
    Node = "mixbed.node", "hop", "Name of the node, or of the client.";
    Role = "mixbed.role", "hop", "Its role: `gateway`, `mix`, `provider` or `client`.";
    QueueWait = "mixbed.queue_wait_us", "hop", "Wait for a worker, from the last byte's arrival. Microseconds.";
    Unwrap = "mixbed.unwrap_us", "hop", "Taking off this hop's layer of encryption, replay check included. Microseconds.";
    DelayAsked = "mixbed.delay_asked_us", "hop", "Mixing delay that the sender asked for. Microseconds; absent if the packet did not get that far.";
    DelayHeld = "mixbed.delay_held_us", "hop", "Time in the mixing pool: what was asked for, and the scheduler's lateness. Microseconds.";
    Link = "mixbed.link_us", "hop", "Wait in the next link's queue, and the write. Microseconds; absent if nothing was sent on.";
    Impaired = "mixbed.impaired_us", "hop", "Delay that impairments of the node's links added: a part of the link's time, or at a gateway of the wait for a worker. Microseconds; absent if there was none.";
    Next = "mixbed.next", "hop", "Name or id of the next hop; absent if this is the last.";
    Outcome = "mixbed.outcome", "hop, provider submit", "A hop's: `forwarded`, `delivered` or `dropped`. A submission's: the provider's verdict.";
    DropReason = "mixbed.drop_reason", "hop", "Why the packet was dropped, one of the reasons of `mixbed_packets_dropped_total`. The span's status is Error.";
    Txid = "mixbed.txid", "broadcast, provider submit", "The transaction's id, hexadecimal.";
    Bytes = "mixbed.bytes", "broadcast, message", "Size of what is sent. Bytes.";
    Fragment = "mixbed.fragment", "packet", "Which fragment the packet carries, from 0.";
    Attempt = "mixbed.attempt", "packet, monerod", "A packet's: which try this is, from 1. A submission's to monerod: how many tries there were.";
    PacketKind = "mixbed.packet_kind", "packet", "What the packet carries: `payload`, `acknowledgement`, `reply`, `cover` or `loop`. Known to its maker only.";
    Route = "mixbed.route", "packet", "The hops that the maker chose, in order, separated by spaces. Known to the maker only.";
    Provider = "mixbed.provider", "broadcast, message", "The provider that it went to.";
    Target = "mixbed.service", "message, provider request", "The provider's service that is asked.";
    Method = "mixbed.method", "monerod", "The path that was called: the submission's, and in each event the call's.";
    Resource = "mixbed.resource", "reconcile", "The resource: kind, namespace and name, separated by `/`.";
    Objects = "mixbed.objects", "reconcile", "How many objects were made, changed or deleted.";
    Retries = "mixbed.retries", "broadcast, message, provider submit", "How many times it was tried again.";
}

impl From<&'static str> for Attribute {
    fn from(key: &'static str) -> Self {
        Self::Other(key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_unique_and_prefixed() {
        let keys: HashSet<_> = Attribute::LISTED.iter().map(|(a, ..)| a.key()).collect();
        assert_eq!(keys.len(), Attribute::LISTED.len());
        assert!(keys.iter().all(|key| key.starts_with("mixbed.")));
    }
}
