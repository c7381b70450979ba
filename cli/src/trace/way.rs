//! From spans to hops. Pure: the demo, `mixbed trace` and tests see the same.

use std::time::{Duration, SystemTime};

use mixbed_telemetry::{Attribute, SpanRecord};
use serde::Serialize;

/// A trace, read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Way {
    /// From the order to the provider's word; none if that span is not here.
    #[serde(rename = "took_us", serialize_with = "some_micros")]
    pub(crate) took: Option<Duration>,
    /// Why it failed, if it did.
    pub(crate) error: Option<String>,
    /// The transaction's id.
    pub(crate) txid: Option<String>,
    /// In the order in which they were sent.
    pub(crate) packets: Vec<PacketWay>,
}

/// One packet's way, there and back.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct PacketWay {
    /// Which try of its content this is, from 1.
    pub(crate) attempt: u64,
    /// Which part of the message it carries, from 0.
    pub(crate) fragment: Option<u64>,
    /// Until it was answered for.
    #[serde(rename = "took_us", serialize_with = "micros")]
    pub(crate) took: Duration,
    /// Why it was not answered for.
    pub(crate) error: Option<String>,
    /// The hops up to the provider.
    pub(crate) there: Vec<HopRow>,
    /// The submission that it led to.
    pub(crate) submit: Option<Call>,
    /// The provider's calls to monerod.
    pub(crate) monerod: Option<Call>,
    /// The hops of the answer: the first one is the wait at the provider that made it.
    pub(crate) back: Vec<HopRow>,
}

/// A packet's stay at one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct HopRow {
    pub(crate) node: String,
    pub(crate) role: String,
    #[serde(rename = "queue_wait_us", serialize_with = "micros")]
    pub(crate) queue_wait: Duration,
    #[serde(rename = "unwrap_us", serialize_with = "micros")]
    pub(crate) unwrap: Duration,
    #[serde(rename = "delay_asked_us", serialize_with = "some_micros")]
    pub(crate) delay_asked: Option<Duration>,
    #[serde(rename = "delay_held_us", serialize_with = "some_micros")]
    pub(crate) delay_held: Option<Duration>,
    #[serde(rename = "link_us", serialize_with = "some_micros")]
    pub(crate) link: Option<Duration>,
    /// The part of it that impairments added.
    #[serde(rename = "impaired_us", serialize_with = "some_micros")]
    pub(crate) impaired: Option<Duration>,
    /// `forwarded`, `delivered`, or `dropped` and why.
    pub(crate) outcome: String,
}

/// Work at the provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Call {
    pub(crate) node: String,
    #[serde(rename = "took_us", serialize_with = "micros")]
    pub(crate) took: Duration,
    /// The provider's verdict, or why there is none.
    pub(crate) outcome: Option<String>,
}

impl Way {
    /// Reads a trace's spans, in any order.
    pub(crate) fn read(spans: &[SpanRecord]) -> Self {
        let root = named(spans, "broadcast").chain(named(spans, "message")).next();
        let mut packets: Vec<_> = named(spans, "packet").collect();
        packets.sort_by_key(|span| span.start);
        Self {
            took: root.map(SpanRecord::duration),
            error: root.and_then(|span| span.error()).map(str::to_owned),
            txid: spans
                .iter()
                .find_map(|span| span.attribute(Attribute::Txid)?.as_str().map(str::to_owned)),
            packets: packets.into_iter().map(|span| PacketWay::read(span, spans)).collect(),
        }
    }

    /// Whether some packet's whole way is known: each hop there and back, in order. (Each
    /// packet of a longer message has such a way or is sent again.)
    pub(crate) fn is_complete(&self) -> bool {
        self.packets.iter().any(PacketWay::is_complete)
    }

    /// Packets whose hops are known, there and back, summed up.
    pub(crate) fn hops(&self) -> usize {
        self.packets.iter().map(|packet| packet.there.len() + packet.back.len()).sum()
    }
}

impl PacketWay {
    fn read(packet: &SpanRecord, spans: &[SpanRecord]) -> Self {
        let below = |span: &&SpanRecord| span.parent == Some(packet.span_id);
        let mut hops: Vec<_> = spans
            .iter()
            .filter(below)
            .filter_map(|span| Some((span, HopRow::read(span)?)))
            .collect();
        hops.sort_by_key(|(span, _)| span.start);
        // What arrives anywhere after the packet has reached its provider is on its way back.
        let arrived =
            hops.iter().find(|(_, row)| row.role == "provider").map(|(span, _)| span.start);
        let is_there = |span: &SpanRecord| arrived.is_none_or(|at: SystemTime| span.start <= at);
        let (there, back): (Vec<_>, Vec<_>) =
            hops.into_iter().partition(|(span, _)| is_there(span));
        let rows = |hops: Vec<(_, HopRow)>| hops.into_iter().map(|(_, row)| row).collect();

        let submit = named(spans, "provider submit").find(below);
        let monerod =
            submit.and_then(|s| named(spans, "monerod").find(|m| m.parent == Some(s.span_id)));
        let number = |key| packet.attribute(key)?.as_int().and_then(|n| u64::try_from(n).ok());
        Self {
            attempt: number(Attribute::Attempt).unwrap_or(1),
            fragment: number(Attribute::Fragment),
            took: packet.duration(),
            error: packet.error().map(str::to_owned),
            there: rows(there),
            submit: submit.map(Call::read),
            monerod: monerod.map(Call::read),
            back: rows(back),
        }
    }
}

impl PacketWay {
    /// Gateway, a mix of each layer, provider; and provider, a mix of each layer, gateway, client.
    fn is_complete(&self) -> bool {
        const THERE: [&str; 5] = ["gateway", "mix-1", "mix-2", "mix-3", "provider"];
        const BACK: [&str; 6] = ["provider", "mix-1", "mix-2", "mix-3", "gateway", "client"];
        let is = |hops: &[HopRow], way: &[&str]| {
            hops.len() == way.len() && hops.iter().zip(way).all(|(hop, part)| hop.is_at(part))
        };
        is(&self.there, &THERE) && is(&self.back, &BACK)
    }
}

impl HopRow {
    /// Whether it is a hop at a node of this kind, named as local nets name theirs.
    fn is_at(&self, part: &str) -> bool {
        let named = self.node.strip_prefix(part).is_some_and(|rest| rest.starts_with('-'));
        named || (self.node == part && self.role == part)
    }

    fn read(span: &SpanRecord) -> Option<Self> {
        let hop = span.hop()?;
        let outcome = match hop.drop_reason {
            Some(reason) => format!("dropped: {reason}"),
            None => hop.outcome,
        };
        Some(Self {
            node: hop.node,
            role: hop.role,
            queue_wait: hop.queue_wait,
            unwrap: hop.unwrap,
            delay_asked: hop.delay_asked,
            delay_held: hop.delay_held,
            link: hop.link,
            impaired: hop.impaired,
            outcome,
        })
    }

    /// The whole stay.
    pub(crate) fn stay(&self) -> Duration {
        let parts = [Some(self.queue_wait), Some(self.unwrap), self.delay_held, self.link];
        parts.into_iter().flatten().sum()
    }
}

impl Call {
    fn read(span: &SpanRecord) -> Self {
        let outcome = span.attribute(Attribute::Outcome).and_then(|value| value.as_str());
        Self {
            node: span.node.clone(),
            took: span.duration(),
            outcome: outcome.or(span.error()).map(str::to_owned),
        }
    }
}

fn named<'a>(spans: &'a [SpanRecord], name: &'static str) -> impl Iterator<Item = &'a SpanRecord> {
    spans.iter().filter(move |span| span.name == name)
}

fn micros<S: serde::Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

#[expect(clippy::ref_option, reason = "the shape that serde asks for")]
fn some_micros<S: serde::Serializer>(time: &Option<Duration>, out: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => micros(time, out),
        None => out.serialize_none(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use mixbed_telemetry::{Context, Hop, HopOutcome, Options, SpanName, Telemetry};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn hop(context: Context, at: SystemTime, outcome: HopOutcome) -> Hop {
        Hop {
            context,
            arrived: at,
            queue_wait: MS / 10,
            unwrap: MS / 5,
            delay_asked: Some(40 * MS),
            delay_held: Some(41 * MS),
            link: Some(MS / 20),
            impaired: None,
            next: None,
            outcome,
        }
    }

    /// The spans of a transaction that went there in one packet, and came back.
    pub(in crate::trace) fn spans() -> Vec<SpanRecord> {
        let telemetry =
            Telemetry::new(&Options { memory_spans: 100, ..Options::default() }).unwrap();
        let client = telemetry.service("client", "client");
        let mut broadcast = client.span(SpanName::Broadcast, None);
        broadcast.set(Attribute::Txid, "ab".repeat(32));
        let mut packet = client.span(SpanName::Packet, Some(broadcast.context()));
        packet.set(Attribute::Attempt, 1_u32);
        let context = packet.context();
        let begin = SystemTime::now();
        let there = [
            ("gateway", "gateway-0"),
            ("mix", "mix-1-0"),
            ("mix", "mix-2-1"),
            ("mix", "mix-3-0"),
            ("provider", "provider-0"),
        ];
        let back = [
            ("provider", "provider-0"),
            ("mix", "mix-1-1"),
            ("mix", "mix-2-0"),
            ("mix", "mix-3-1"),
            ("gateway", "gateway-0"),
            ("client", "client"),
        ];
        let provider = telemetry.service("provider", "provider-0");
        for (number, (role, name)) in (0_u32..).zip(there.iter().chain(&back)) {
            let at = begin + 50 * MS * number;
            // The provider's first hop, and the client's.
            let outcome = match number {
                4 | 10 => HopOutcome::Delivered,
                _ => HopOutcome::Forwarded,
            };
            telemetry.service(role, name).record_hop(&hop(context, at, outcome));
        }
        let submit = provider.span(SpanName::ProviderSubmit, Some(context));
        provider.span(SpanName::Monerod, Some(submit.context())).ok();
        submit.ok();
        packet.ok();
        broadcast.ok();
        telemetry.spans().recent(100)
    }

    #[test]
    fn hops_there_and_back_are_told_apart() {
        let way = Way::read(&spans());
        assert_eq!(way.txid, Some("ab".repeat(32)));
        assert_eq!((way.hops(), way.packets.len()), (11, 1));
        let packet = &way.packets[0];
        let names = |rows: &[HopRow]| rows.iter().map(|row| row.node.clone()).collect::<Vec<_>>();
        assert_eq!(
            names(&packet.there),
            ["gateway-0", "mix-1-0", "mix-2-1", "mix-3-0", "provider-0"]
        );
        assert_eq!(
            names(&packet.back),
            ["provider-0", "mix-1-1", "mix-2-0", "mix-3-1", "gateway-0", "client"]
        );
        assert!(packet.submit.is_some() && packet.monerod.is_some());
        assert_eq!(packet.there[0].stay(), MS / 10 + MS / 5 + 41 * MS + MS / 20);
    }

    #[test]
    fn a_packet_that_was_dropped_on_its_way_has_no_way_back() {
        let spans: Vec<_> = spans()
            .into_iter()
            .filter(|span| !["provider-0", "mix-1-1", "mix-2-0"].contains(&span.node.as_str()))
            .collect();
        let way = Way::read(&spans);
        assert!(way.packets[0].back.is_empty());
        assert!(way.packets[0].submit.is_none());
    }

    #[test]
    fn nothing_is_read_from_nothing() {
        assert_eq!(Way::read(&[]), Way::default());
    }
}
