//! What the replay check costs with ten million tags, beside the unwrapping.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mixbed_wire::{ReplayFilter, ReplayTag};
use rand::RngExt;

use crate::report::Report;

/// The packets of one key: 600 s at 16,000 a second.
const TAGS: usize = 10_000_000;
/// As many as a node's filter has.
const PARTS: usize = 64;
/// Checks that are timed together.
const CHECKS: usize = 1_000_000;

/// Against `one_core` unwraps a second.
pub(crate) fn measure(report: &mut Report, one_core: f64) {
    let mut filter: Vec<_> = (0..PARTS).map(|_| ReplayFilter::new(usize::MAX)).collect();
    let mut tags: Vec<ReplayTag> = Vec::with_capacity(CHECKS);
    let mut fresh = 0.0;
    for _ in 0..TAGS / CHECKS {
        tags.clear();
        tags.extend((0..CHECKS).map(|_| rand::rng().random::<ReplayTag>()));
        fresh = nanoseconds_each(&mut filter, &tags, true);
    }
    let copy = nanoseconds_each(&mut filter, &tags, false);
    let bytes: usize = filter.iter().map(ReplayFilter::bytes).sum();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let bytes_each = bytes as f64 / TAGS as f64;
    report.note("replay check of a packet, 10^7 tags", fresh, "ns");
    report.note("replay check of a copy, 10^7 tags", copy, "ns");
    report.note("replay filter's longest growth", longest().as_secs_f64() * 1e3, "ms");
    report.at_most("replay filter, 10^7 tags", bytes_each, "bytes/tag", 25.0);
    report.at_most("replay check / unwrap", fresh * one_core / 1e9, "ratio", 0.02);
}

fn nanoseconds_each(filter: &mut [ReplayFilter], tags: &[ReplayTag], pass: bool) -> f64 {
    let start = Instant::now();
    for tag in tags {
        let part = usize::from(tag[0]) % PARTS;
        assert_eq!(black_box(filter[part].pass(*tag)).is_ok(), pass, "once, and only once");
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = tags.len() as f64;
    start.elapsed().as_secs_f64() * 1e9 / count
}

/// The longest that one packet waits for a part of the filter to grow.
fn longest() -> Duration {
    let mut filter = ReplayFilter::new(usize::MAX);
    let pass = |_| {
        let tag = rand::rng().random();
        let start = Instant::now();
        let _ = black_box(filter.pass(tag));
        start.elapsed()
    };
    (0..TAGS / PARTS).map(pass).max().unwrap_or_default()
}
