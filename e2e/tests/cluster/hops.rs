//! Whether a trace shows a transaction's whole way, there and back.

use crate::jaeger::{Span, Trace};
use mixbed_e2e::MIXNET;

/// What a span's own parts may leave out of it, and clocks of one machine may differ by.
const MICROSECONDS: u64 = 2_000;

/// The way of a packet that was answered: the kinds of its hops in order.
fn the_way() -> Vec<String> {
    let there = ["gateway", "mix-1", "mix-2", "mix-3", "provider"];
    // The answer waits at the provider too.
    let back = ["provider", "mix-1", "mix-2", "mix-3", "gateway", "client"];
    [&there[..], &back].concat().into_iter().map(str::to_owned).collect()
}

/// The hops under a packet, in order of time.
fn hops<'a>(trace: &'a Trace, packet: &Span) -> Vec<&'a Span> {
    let under = |span: &&Span| span.parent() == Some(&packet.id) && span.name.starts_with("hop ");
    let mut hops: Vec<&Span> = trace.spans.iter().filter(under).collect();
    hops.sort_by_key(|hop| hop.start);
    hops
}

/// What a hop is: `gateway`, `mix-1`, …, `client`.
fn kind(hop: &Span) -> String {
    let node = hop.text("mixbed.node").expect("a hop's node");
    match hop.text("mixbed.role").expect("a hop's role") {
        "mix" => {
            let number = node.strip_prefix(&format!("{MIXNET}-")).expect("the mixnet's node");
            number.rsplit_once('-').expect("a pod's number").0.to_owned()
        }
        role => role.to_owned(),
    }
}

/// The packet whose hops go all the way there and back, if there is one.
fn answered(trace: &Trace) -> Option<(&Span, Vec<&Span>)> {
    let packets = trace.spans.iter().filter(|span| span.name == "packet");
    let mut ways = packets.map(|packet| (packet, hops(trace, packet)));
    ways.find(|(_, hops)| hops.iter().map(|hop| kind(hop)).collect::<Vec<_>>() == the_way())
}

/// Whether a trace shows everything from the order to the provider's word.
pub(crate) fn is_whole(trace: &Trace) -> bool {
    let has = |name: &str| trace.spans.iter().any(|span| span.name == name);
    has("broadcast") && has("provider submit") && has("monerod") && answered(trace).is_some()
}

/// Checks all that these traces claim: each hop in order, by the pod that did it, and times that add
/// up.
pub(crate) fn check(traces: &[Trace]) {
    traces.iter().for_each(check_pods);
    // A process that has to wait for its turn makes a time wrong now and then, a wrong sum all of them.
    let wrong: Vec<_> = traces.iter().filter_map(|trace| check_times(trace).err()).collect();
    assert!(wrong.len() * 3 <= traces.len(), "{} traces: {wrong:#?}", traces.len());
}

fn named<'a>(trace: &'a Trace, name: &str) -> &'a Span {
    trace.spans.iter().find(|span| span.name == name).expect(name)
}

fn check_pods(trace: &Trace) {
    let (packet, hops) = answered(trace).expect("a packet that was answered");
    let [broadcast, submit, monerod] =
        ["broadcast", "provider submit", "monerod"].map(|name| named(trace, name));
    assert_eq!(packet.parent(), Some(broadcast.id.as_str()), "the packet is the broadcast's");
    assert_eq!(monerod.parent(), Some(submit.id.as_str()), "monerod is called to submit");
    for span in [packet, broadcast] {
        assert_eq!(trace.pod(span), trace.pod(hops[10]), "{} is the client's", span.name);
    }
    for span in [submit, monerod] {
        assert_eq!(trace.pod(span), trace.pod(hops[4]), "{} is the provider's", span.name);
    }
    for hop in hops {
        let node = hop.text("mixbed.node").expect("a hop's node");
        assert_eq!(trace.pod(hop), node, "each hop is recorded by the pod that did it");
    }
}

/// Whether the parts of a trace add up to the whole; why not.
fn check_times(trace: &Trace) -> Result<(), String> {
    let (packet, hops) = answered(trace).expect("a packet that was answered");
    let [broadcast, submit] = ["broadcast", "provider submit"].map(|name| named(trace, name));
    for hop in &hops {
        let parts = ["queue_wait_us", "unwrap_us", "delay_held_us", "link_us"];
        let parts = parts.iter().filter_map(|part| hop.number(&format!("mixbed.{part}")));
        let sum: u64 = parts.sum();
        if sum.abs_diff(hop.duration) > MICROSECONDS {
            return Err(format!("{} took {} us, its parts {sum} us", hop.name, hop.duration));
        }
    }
    // What a hop writes may arrive before the writer has its turn again and looks at its clock.
    let link = |hop: &Span| hop.number("mixbed.link_us").unwrap_or_default();
    for pair in hops.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let writes = before.end() - link(before);
        if writes > after.start + MICROSECONDS && !before.name.contains("provider") {
            let (name, start) = (&after.name, after.start);
            return Err(format!("{} writes at {writes}, {name} begins at {start}", before.name));
        }
    }
    let inside: u64 = hops.iter().map(|hop| hop.duration).sum::<u64>() + submit.duration;
    let links: u64 = hops.iter().map(|hop| link(hop)).sum();
    let whole = packet.duration;
    if inside - links > whole + 10 * MICROSECONDS {
        return Err(format!("the packet took {whole} us, its hops {inside} us, {links} to write"));
    }
    if inside * 2 < whole {
        return Err(format!("the packet took {whole} us, its hops only {inside} us"));
    }
    if broadcast.duration < whole {
        return Err(format!("the packet took {whole} us, the broadcast {}", broadcast.duration));
    }
    Ok(())
}
