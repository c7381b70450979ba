//! Links that rules in the document make slow, lossy, narrow or cut.

use std::time::{Duration, Instant};

use mixbed_directory::ImpairmentRule;
use mixbed_directory::document::impairment::Selector;
use mixbed_node::Limits;
use mixbed_telemetry::SpanRecord;
use mixbed_wire::{DropReason, FRAME_SIZE, Impairment, Latency, TraceContext};

use crate::rig::{Rig, SOON};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn named(name: &str) -> Selector {
    Selector::Named(name.to_owned())
}

/// From the node to the peer after it.
fn onward(impairment: Impairment) -> ImpairmentRule {
    ImpairmentRule::between(named("tested"), Selector::Layer(3), impairment)
}

fn slow(latency: Duration) -> Impairment {
    Impairment { latency: Latency::Constant(latency), ..Impairment::NONE }
}

async fn impair(rig: &Rig, rules: Vec<ImpairmentRule>) {
    rig.net.impair(rules.clone()).await.expect("the directory takes them");
    let here = |document: &mixbed_directory::Document| document.parameters.impairments == rules;
    rig.node.follower().wait_for(SOON, here).await.expect("the node hears of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_holds_a_packet_as_long_and_its_span_says_so() {
    let mut rig = Rig::new(Limits::default()).await;
    impair(&rig, vec![onward(slow(MS(60))), onward(slow(MS(40)))]).await;
    let trace = TraceContext { trace_id: [3; 16], span_id: [4; 8] };
    rig.net.change(|parameters| parameters.tracing_allowed = true).await.expect("changed");
    let allowed = |document: &mixbed_directory::Document| document.parameters.tracing_allowed;
    rig.node.follower().wait_for(SOON, allowed).await.expect("the node hears of it");

    let packet = rig.seal(&rig.route(rig.after.id(), Duration::ZERO, Some(trace)));
    let sent = Instant::now();
    rig.send(&packet).await;
    rig.receive().await;
    assert!(sent.elapsed() >= MS(100), "{:?}", sent.elapsed());
    rig.books(|books| books.sent == 1 && books.held == 0).await;
    let spans = rig.telemetry.spans().wait_for(trace.trace_id, |spans| spans.len() == 1).await;
    let hop = spans[0].hop().expect("a hop");
    assert!(hop.impaired >= Some(MS(100)) && hop.link >= hop.impaired, "{hop:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lossy_link_takes_packets_by_name_and_a_healed_one_none() {
    let mut rig = Rig::new(Limits::default()).await;
    rig.net.change(|parameters| parameters.tracing_allowed = true).await.expect("changed");
    let all = Impairment { loss: 1.0, ..Impairment::NONE };
    for (taken, cut) in (1..).zip([all, Impairment::PARTITION]) {
        impair(&rig, vec![onward(cut)]).await;
        let trace = TraceContext { trace_id: [taken; 16], span_id: [4; 8] };
        let packet = rig.seal(&rig.route(rig.after.id(), Duration::ZERO, Some(trace)));
        rig.send(&packet).await;
        rig.dropped(DropReason::Impaired, taken.into()).await;
        let spans = rig.telemetry.spans().wait_for(trace.trace_id, |spans| spans.len() == 1).await;
        assert_eq!(spans.first().and_then(SpanRecord::error), Some("impaired"));
    }
    impair(&rig, vec![]).await;
    let packet = rig.packet();
    rig.send(&packet).await;
    rig.receive().await;
    let books = rig.books(|books| books.sent == 1).await;
    assert_eq!((books.received, books.held), (3, 0), "{books:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_links_are_as_they_were() {
    let mut rig = Rig::new(Limits::default()).await;
    let cut = Impairment::PARTITION;
    impair(
        &rig,
        vec![
            ImpairmentRule::between(Selector::Layer(3), named("tested"), cut),
            ImpairmentRule::between(Selector::Layer(1), Selector::Layer(3), cut),
            ImpairmentRule::of(Selector::Gateway, cut),
        ],
    )
    .await;
    let packet = rig.packet();
    rig.send(&packet).await;
    rig.receive().await;
    rig.books(|books| books.sent == 1 && books.held == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_link_lets_so_many_bytes_through() {
    let mut rig = Rig::new(Limits::default()).await;
    // A frame in 20 ms.
    let bandwidth = FRAME_SIZE as u64 * 50;
    impair(&rig, vec![onward(Impairment { bandwidth: Some(bandwidth), ..Impairment::NONE })]).await;
    let began = Instant::now();
    for _ in 0..10 {
        let packet = rig.packet();
        rig.send(&packet).await;
    }
    for _ in 0..10 {
        rig.receive().await;
    }
    assert!(began.elapsed() >= MS(200), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_comes_out_when_it_was_to_though_the_rules_are_gone() {
    let mut rig = Rig::new(Limits::default()).await;
    impair(&rig, vec![onward(slow(MS(2000)))]).await;
    let packet = rig.packet();
    let sent = Instant::now();
    rig.send(&packet).await;
    // Unwrapped, too: one that waits for a worker is held as well.
    let unwrapped = rig.node.metrics().unwrap_seconds;
    rig.books(|books| books.held == 1 && unwrapped.count() == 1).await;
    impair(&rig, vec![]).await;
    // It does not overtake the one that waits.
    let packet = rig.packet();
    rig.send(&packet).await;
    rig.receive().await;
    assert!(sent.elapsed() >= MS(2000), "{:?}", sent.elapsed());
    rig.receive().await;
    rig.books(|books| books.sent == 2 && books.held == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_on_an_impaired_link_is_shed_and_the_rest_is_held() {
    let mut rig = Rig::new(Limits { link_queue: 4, ..Limits::default() }).await;
    impair(&rig, vec![onward(slow(Duration::from_secs(50)))]).await;
    for number in 1..=10 {
        let packet = rig.packet();
        rig.send(&packet).await;
        // One by one: so none is shed in the queue before.
        rig.books(|books| {
            let shed = books.dropped[DropReason::LinkQueueFull.index()];
            books.received == number && books.held + shed == number && books.held <= 4
        })
        .await;
    }
    rig.dropped(DropReason::LinkQueueFull, 6).await;
    rig.books(|books| books.held == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dishonest_node_lets_in_only_what_it_was_told_to() {
    let mut rig = Rig::new(Limits::default()).await;
    impair(&rig, vec![ImpairmentRule::only_from(named("tested"), named("another"))]).await;
    let packet = rig.packet();
    rig.send(&packet).await;
    rig.dropped(DropReason::Impaired, 1).await;
    impair(&rig, vec![ImpairmentRule::only_from(named("tested"), named("before"))]).await;
    let packet = rig.packet();
    rig.send(&packet).await;
    rig.receive().await;
    let books = rig.books(|books| books.sent == 1).await;
    assert_eq!((books.received, books.held), (2, 0), "{books:?}");
}
