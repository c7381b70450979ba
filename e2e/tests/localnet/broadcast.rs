//! Transactions that are good.

use mixbed_client::{BroadcastOptions, BroadcastReport};
use mixbed_telemetry::{HopRecord, SpanRecord};
use mixbed_wire::DropReason;

use crate::world::{SOON, World, options};

/// Broadcasts the first transfer; in another world, at most twice, if something was sent again, as it
/// is where the machine stalls for a second.
async fn undisturbed(options: BroadcastOptions) -> (World, BroadcastReport) {
    let mut worlds = 0;
    loop {
        let world = World::new().await;
        worlds += 1;
        let raw = &world.stock.transfers[0].raw;
        let report = world.client.broadcast(raw, options.clone()).await.expect("accepted");
        if report.retransmissions == 0 || worlds == 3 {
            return (world, report);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usual_transaction_is_one_packet_there_and_one_back() {
    let (world, report) = undisturbed(options()).await;
    let transfer = &world.stock.transfers[0];
    assert_eq!(transfer.raw.len(), 2166, "two inputs, the usual size");
    assert_eq!(report.txid, transfer.txid);
    assert_eq!((report.packets_sent, report.packets_received, report.retransmissions), (1, 1, 0));

    let books = world.at_rest().await;
    // Five hops there, and mix 1, 2, 3 and gateway back; the client's own hop is not a node's.
    assert_eq!(books.total(|node| node.received), 5 + 4);
    assert_eq!(books.total(|node| node.made), 1, "the provider's reply");
    assert_eq!(books.total(|node| node.sent), 4 + 5);
    assert_eq!(books.total(|node| node.delivered), 1);
    assert_eq!(books.drops(), []);
    world.mined(report.txid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_trace_has_every_hop_in_order_there_and_back() {
    let (world, report) = undisturbed(BroadcastOptions { traced: true, ..options() }).await;
    let trace_id = report.trace_id.expect("traced");
    let whole = |spans: &[SpanRecord]| {
        spans.iter().filter(|span| span.hop().is_some()).count() == 11
            && spans.iter().any(|span| span.name == "broadcast")
    };
    let store = world.telemetry.spans();
    let spans = tokio::time::timeout(SOON, store.wait_for(trace_id, whole)).await.expect("whole");

    let span = |name: &str| {
        let mut named = spans.iter().filter(|span| span.name == name);
        let found = named.next().unwrap_or_else(|| panic!("no {name} in {spans:#?}"));
        assert!(named.next().is_none(), "one {name}");
        found
    };
    let (broadcast, packet) = (span("broadcast"), span("packet"));
    assert_eq!(packet.parent, Some(broadcast.span_id));
    let hops: Vec<(&SpanRecord, HopRecord)> =
        spans.iter().filter_map(|span| Some((span, span.hop()?))).collect();
    for (span, hop) in &hops {
        assert_eq!(span.parent, Some(packet.span_id), "{} hangs under the packet", span.name);
        assert_eq!(span.name, format!("hop {}", hop.node));
    }

    let way: Vec<String> = hops
        .iter()
        .map(|(_, hop)| match hop.node.strip_prefix("mix-") {
            Some(rest) => format!("mix {}", rest.split_once('-').expect("layer and number").0),
            None => hop.role.clone(),
        })
        .collect();
    let there = ["gateway", "mix 1", "mix 2", "mix 3", "provider"];
    // The answer waits at the provider too.
    let back = ["provider", "mix 1", "mix 2", "mix 3", "gateway", "client"];
    assert_eq!(way, [&there[..], &back].concat());

    for (number, (span, hop)) in hops.iter().enumerate() {
        let holds = ![4, 10].contains(&number);
        assert_eq!(hop.delay_asked.is_some(), holds, "{} of role {}", span.name, hop.role);
        assert!(hop.delay_held >= hop.delay_asked, "{hop:?}");
        assert_eq!(hop.outcome, if holds { "forwarded" } else { "delivered" });
    }
    for pair in hops.windows(2) {
        let ((before, _), (after, _)) = (&pair[0], &pair[1]);
        assert!(before.start <= after.start, "{} before {}", before.name, after.name);
    }
    let submit = span("provider submit");
    assert_eq!(submit.parent, Some(packet.span_id));
    assert_eq!(span("monerod").parent, Some(submit.span_id));
    let asked: std::time::Duration = hops.iter().filter_map(|(_, hop)| hop.delay_asked).sum();
    assert!(report.elapsed >= asked, "the delays are part of the whole");
    let difference = report.mixing_delay.abs_diff(asked);
    assert!(
        difference.as_micros() < 10,
        "the sender drew what the hops were asked: {difference:?}"
    );
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_transaction_again_is_known_before_and_after_it_is_mined() {
    let world = World::new().await;
    let transfer = &world.stock.transfers[0];
    let first = world.client.broadcast(&transfer.raw, options()).await.expect("accepted");
    let again = world.client.broadcast(&transfer.raw, options()).await.expect("accepted");
    world.mined(transfer.txid).await;
    let late = world.client.broadcast(&transfer.raw, options()).await.expect("accepted");
    // What waits in its pool only monerod 0.18.0.0 says that it had; 0.18.4.0 takes it once more.
    assert!(again.provider == first.provider && !first.already_known && late.already_known);
    world.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_and_the_largest_transaction_go_through_in_fragments() {
    let world = World::new().await;
    for transfer in [&world.stock.sweep, &world.stock.big] {
        let fragments = transfer.raw.len().div_ceil(2285) as u64;
        let report = world.client.broadcast(&transfer.raw, options()).await.expect("accepted");
        assert!(report.packets_sent >= fragments, "{report:?}");
        world.mined(report.txid).await;
    }
    let books = world.at_rest().await;
    assert_eq!(books.dropped(DropReason::QueueFull), 0, "a message is no overload");
}
