//! Spans land in memory with the right parents, times and attributes.

use std::time::{Duration, SystemTime};

use mixbed_telemetry::{
    Attribute, Context, Hop, HopOutcome, Options, SpanName, SpanRecord, Status, Telemetry, Value,
};

fn telemetry(memory_spans: usize) -> Telemetry {
    Telemetry::new(&Options { memory_spans, ..Options::default() }).unwrap()
}

pub(crate) fn hop(context: Context, outcome: HopOutcome) -> Hop {
    Hop {
        context,
        arrived: SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789),
        queue_wait: Duration::from_micros(12),
        unwrap: Duration::from_micros(210),
        delay_asked: Some(Duration::from_millis(50)),
        delay_held: Some(Duration::from_micros(50_300)),
        link: Some(Duration::from_micros(40)),
        impaired: Some(Duration::from_micros(15)),
        next: Some("mix-1-0".to_owned()),
        outcome,
    }
}

#[test]
fn children_hang_under_their_parents() {
    let telemetry = telemetry(100);
    let client = telemetry.service("client", "alice");
    let gateway = telemetry.service("gateway", "gateway-0");

    let mut broadcast = client.span(SpanName::Broadcast, None);
    broadcast.set(Attribute::Txid, "abcd");
    let root = broadcast.context();
    let packet = client.span(SpanName::Packet, Some(root));
    let carried = packet.context();
    gateway.record_hop(&hop(carried, HopOutcome::Forwarded));
    packet.ok();
    broadcast.event("accepted", [(Attribute::Retries, Value::from(2_u64))]);
    broadcast.ok();

    let spans = telemetry.spans().trace(root.trace_id);
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    assert_eq!(spans.len(), 3);
    let (broadcast, packet, hop) = (named("broadcast"), named("packet"), named("hop gateway-0"));
    assert_eq!(broadcast.parent, None);
    assert_eq!(packet.parent, Some(broadcast.span_id));
    assert_eq!(hop.parent, Some(packet.span_id));
    assert_eq!((carried.trace_id, carried.span_id), (root.trace_id, packet.span_id));
    assert_eq!((hop.role.as_str(), hop.node.as_str()), ("gateway", "gateway-0"));
    assert_eq!((packet.role.as_str(), packet.node.as_str()), ("client", "alice"));
    assert!(broadcast.start <= packet.start && packet.end <= broadcast.end);
    assert_eq!(broadcast.status, Status::Ok);
    assert_eq!(broadcast.events[0].name, "accepted");
    assert_eq!(broadcast.events[0].attributes["mixbed.retries"], Value::Int(2));
    assert_eq!(telemetry.spans().find(Attribute::Txid, "abcd"), Some(root.trace_id));
    assert_eq!(telemetry.spans().find(Attribute::Txid, "abc"), None);
}

#[test]
fn a_hop_keeps_its_times_and_parts() {
    let telemetry = telemetry(10);
    let mix = telemetry.service("mix", "mix-1-0");
    let context = Context::from_bytes([7; 16], [9; 8]).unwrap();
    let recorded = hop(context, HopOutcome::Forwarded);
    mix.record_hop(&recorded);

    let span = telemetry.spans().trace([7; 16]).remove(0);
    assert_eq!(span.start, recorded.arrived);
    assert_eq!(span.end, recorded.arrived + Duration::from_micros(12 + 210 + 50_300 + 40));
    assert_eq!(span.parent, Some([9; 8]));
    assert_eq!(span.error(), None);
    let parts = span.hop().unwrap();
    assert_eq!((parts.node.as_str(), parts.role.as_str()), ("mix-1-0", "mix"));
    assert_eq!((parts.queue_wait, parts.unwrap), (recorded.queue_wait, recorded.unwrap));
    assert_eq!((parts.delay_asked, parts.delay_held), (recorded.delay_asked, recorded.delay_held));
    assert_eq!((parts.link, parts.next), (recorded.link, recorded.next));
    assert_eq!(parts.impaired, recorded.impaired);
    assert_eq!((parts.outcome.as_str(), parts.drop_reason), ("forwarded", None));
}

#[test]
fn a_dropped_packet_says_why() {
    let telemetry = telemetry(10);
    let mix = telemetry.service("mix", "mix-1-0");
    let context = Context::from_bytes([7; 16], [9; 8]).unwrap();
    let early = Hop {
        delay_asked: None,
        delay_held: None,
        link: None,
        impaired: None,
        next: None,
        ..hop(context, HopOutcome::Dropped("replayed"))
    };
    mix.record_hop(&early);

    let span = telemetry.spans().trace([7; 16]).remove(0);
    assert_eq!(span.error(), Some("replayed"));
    assert_eq!(span.attribute(Attribute::DropReason), Some(&Value::from("replayed")));
    let parts = span.hop().unwrap();
    assert_eq!(
        (parts.outcome.as_str(), parts.drop_reason.as_deref()),
        ("dropped", Some("replayed"))
    );
    assert_eq!((parts.delay_held, parts.link, parts.next), (None, None, None));
}

#[test]
fn a_failure_and_an_abandoned_span_are_told_apart() {
    let telemetry = telemetry(10);
    let provider = telemetry.service("provider", "provider-0");
    let parent = Context::from_bytes([1; 16], [1; 8]);
    let mut monerod = provider.span(SpanName::Monerod, parent);
    monerod.set("custom.key", 1_u64);
    monerod.fail("connection refused");
    drop(provider.span(SpanName::ProviderSubmit, parent));

    let spans = telemetry.spans().recent(10);
    assert_eq!((spans[0].name.as_str(), &spans[0].status), ("provider submit", &Status::Unset));
    assert_eq!((spans[1].name.as_str(), spans[1].error()), ("monerod", Some("connection refused")));
    assert_eq!(spans[1].attribute("custom.key"), Some(&Value::Int(1)));
    assert_eq!(spans[1].hop(), None);
}

#[test]
fn the_oldest_makes_room() {
    let telemetry = telemetry(3);
    let mix = telemetry.service("mix", "mix-1-0");
    for trace in 1..=5 {
        let context = Context::from_bytes([trace; 16], [1; 8]).unwrap();
        mix.record_hop(&hop(context, HopOutcome::Delivered));
    }
    assert_eq!(telemetry.spans().len(), 3);
    let traces: Vec<_> = telemetry.spans().recent(9).iter().map(|s| s.trace_id[0]).collect();
    assert_eq!(traces, [5, 4, 3]);
    assert!(telemetry.spans().trace([1; 16]).is_empty());
}

#[test]
fn without_a_place_for_spans_contexts_are_real_all_the_same() {
    let telemetry = Telemetry::disabled();
    let client = telemetry.service("client", "alice");
    let root = client.span(SpanName::Broadcast, None);
    let child = client.span(SpanName::Packet, Some(root.context()));
    assert_eq!(child.context().trace_id, root.context().trace_id);
    assert_ne!(child.context().span_id, root.context().span_id);
    assert!(Context::from_bytes(child.context().trace_id, child.context().span_id).is_some());
    drop((child, root));
    assert!(telemetry.spans().is_empty());
}

#[test]
fn json_and_back() {
    let telemetry = telemetry(10);
    let context = Context::from_bytes([7; 16], [9; 8]).unwrap();
    telemetry.service("mix", "m").record_hop(&hop(context, HopOutcome::Dropped("bad_mac")));
    let span = telemetry.spans().recent(1).remove(0);
    let json = serde_json::to_value(&span).unwrap();
    assert_eq!(json["trace_id"], "07".repeat(16));
    assert_eq!(json["parent"], "09".repeat(8));
    assert_eq!(json["start_us"], 1_700_000_000_123_456_u64);
    assert_eq!(json["status"]["error"], "bad_mac");
    assert_eq!(json["attributes"]["mixbed.delay_asked_us"], 50_000);
    let back: SpanRecord = serde_json::from_value(json).unwrap();
    assert_eq!(back.hop(), span.hop());
    assert_eq!(
        (back.parent, back.span_id, &back.status),
        (span.parent, span.span_id, &span.status)
    );
}

#[tokio::test]
async fn tests_can_wait_for_spans() {
    let telemetry = telemetry(10);
    let store = telemetry.spans().clone();
    let waiting =
        tokio::spawn(async move { store.wait_for([7; 16], |spans| spans.len() == 2).await.len() });
    let mix = telemetry.service("mix", "m");
    let context = Context::from_bytes([7; 16], [9; 8]).unwrap();
    for _ in 0..2 {
        mix.record_hop(&hop(context, HopOutcome::Forwarded));
        tokio::task::yield_now().await;
    }
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert_eq!(waited.unwrap().unwrap(), 2);
}
