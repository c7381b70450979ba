//! What becomes of good and of spoilt packets.

use std::time::{Duration, Instant};

use mixbed_node::Limits;
use mixbed_wire::{DropReason, NodeId, PACKET_SIZE, Packet, TraceContext, Unwrapped};

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_is_unwrapped_held_and_passed_on() {
    let mut rig = Rig::new(Limits::default()).await;
    let delay = Duration::from_millis(30);
    let packet = rig.seal(&rig.route(rig.after.id(), delay, None));
    let sent = Instant::now();
    rig.send(&packet).await;
    let passed = rig.receive().await;
    assert!(sent.elapsed() >= delay, "held for {:?}", sent.elapsed());
    assert_ne!(passed, packet, "it looks like another packet now");
    let opened = passed.open(&rig.after.sphinx_key).expect("sealed for the next hop");
    assert!(matches!(opened.unwrap(passed), Ok(Unwrapped::Forward { .. })));
    let books = rig.books(|books| books.sent == 1).await;
    assert_eq!((books.received, books.held, books.dropped_total()), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_sent_twice_passes_once() {
    let mut rig = Rig::new(Limits::default()).await;
    let packet = rig.packet();
    rig.send(&packet).await;
    rig.send(&packet).await;
    rig.receive().await;
    rig.dropped(DropReason::Replayed, 1).await;
    rig.books(|books| books.received == 2 && books.sent == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_the_header_is_dropped_here_and_one_in_the_payload_later() {
    let mut rig = Rig::new(Limits::default()).await;
    let header = PACKET_SIZE - rig_payload();
    // Group element, MAC, routing information.
    for (number, byte) in (1..).zip([0, 40, header - 1]) {
        let packet = flip(&rig.packet(), byte);
        rig.send(&packet).await;
        rig.dropped(DropReason::BadMac, number).await;
    }
    let packet = flip(&rig.packet(), header + 5);
    rig.send(&packet).await;
    rig.receive().await;
    rig.books(|books| books.sent == 1 && books.received == 4).await;
}

fn rig_payload() -> usize {
    mixbed_wire::MAX_PLAINTEXT + 17
}

fn flip(packet: &Packet, byte: usize) -> Packet {
    let mut bytes = *packet.as_bytes();
    bytes[byte] ^= 1;
    Packet::from_bytes(&bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_leaves_the_layers_ends_here() {
    let mut rig = Rig::new(Limits::default()).await;
    let strangers = [NodeId::from_bytes([1; 8]), rig.before.id(), rig.node.id()];
    for (number, next) in (1..).zip(strangers) {
        let packet = rig.seal(&rig.route(next, Duration::ZERO, None));
        rig.send(&packet).await;
        rig.dropped(DropReason::UnknownNextHop, number).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_replay_filter_and_a_full_pool_shed_by_name() {
    let mut rig =
        Rig::new(Limits { workers: Some(1), replay_tags: 16, pool: 1, ..Limits::default() }).await;
    let long = Duration::from_secs(50);
    for _ in 0..17 {
        let packet = rig.seal(&rig.route(rig.after.id(), long, None));
        rig.send(&packet).await;
    }
    let books = rig.books(|books| books.received == 17 && books.held == 1).await;
    let shed = books.dropped[DropReason::ReplayFilterFull.index()];
    assert_eq!(shed, 1, "{books:?}");
    assert_eq!(books.dropped[DropReason::PoolFull.index()] + shed, 16);
    rig.unready("replay").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_is_shed_at_the_entrance_and_the_books_close() {
    let limits = Limits { workers: Some(1), queue_per_worker: 1, ..Limits::default() };
    let mut rig = Rig::new(limits).await;
    let packets: Vec<Packet> = (0..64).map(|_| rig.packet()).collect();
    for packet in &packets {
        rig.there.writer.push(&mixbed_wire::Frame::Packet(packet.clone())).expect("sealed");
    }
    rig.there.writer.flush().await.expect("the link is up");
    let books = rig.books(|books| books.received == 64 && books.held == 0).await;
    assert!(books.dropped[DropReason::QueueFull.index()] > 0, "{books:?}");
    assert_eq!(books.sent + books.dropped[DropReason::QueueFull.index()], 64);
}

/// Some wait in the pool and most for the worker, which unwraps them while the links end.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_stopped_with_packets_in_it_drops_them_by_name() {
    let limits = Limits { workers: Some(1), queue_per_worker: 128, ..Limits::default() };
    let mut rig = Rig::new(limits).await;
    let route = rig.route(rig.after.id(), Duration::from_secs(50), None);
    for packet in std::iter::repeat_with(|| rig.seal(&route)).take(64).collect::<Vec<_>>() {
        rig.there.writer.push(&mixbed_wire::Frame::Packet(packet)).expect("sealed");
    }
    rig.there.writer.flush().await.expect("the link is up");
    rig.books(|books| books.received == 64 && books.held == 64).await;
    let metrics = rig.node.metrics();
    rig.node.stop(Duration::ZERO).await;
    let books = metrics.readings();
    assert_eq!((books.dropped[DropReason::Stopped.index()], books.held), (64, 0), "{books:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_traced_hop_records_its_span_and_a_dropped_one_its_reason() {
    let mut rig = Rig::new(Limits::default()).await;
    let trace = TraceContext { trace_id: [3; 16], span_id: [4; 8] };
    let delay = Duration::from_millis(20);
    let packet = rig.seal(&rig.route(rig.after.id(), delay, Some(trace)));
    rig.send(&packet).await;
    let stray = rig.seal(&rig.route(NodeId::from_bytes([1; 8]), delay, Some(trace)));
    rig.send(&stray).await;
    let spans = rig.telemetry.spans().wait_for(trace.trace_id, |spans| spans.len() == 2).await;
    for span in &spans {
        assert_eq!(span.parent, Some(trace.span_id));
        assert_eq!((span.node.as_str(), span.role.as_str()), ("tested", "mix"));
    }
    let hops: Vec<_> = spans.iter().filter_map(mixbed_telemetry::SpanRecord::hop).collect();
    let sent = hops.iter().find(|hop| hop.outcome == "forwarded").expect("one went on");
    assert_eq!(sent.delay_asked, Some(delay));
    assert!(sent.delay_held >= Some(delay), "{sent:?}");
    assert_eq!(sent.next.as_deref(), Some("after"));
    let dropped = hops.iter().find(|hop| hop.outcome == "dropped").expect("one did not");
    assert_eq!(dropped.drop_reason.as_deref(), Some("unknown_next_hop"));
}
