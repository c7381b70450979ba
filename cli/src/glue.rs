//! From what the parts count and say of themselves to metrics and readiness.
//!
//! The directory crate counts in plain numbers and knows no metrics; here, and only here, they
//! are carried over. Each of these runs until its task is dropped.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use mixbed_client::Client;
use mixbed_directory::follower::FollowerCounters;
use mixbed_directory::{Authority, Document, Follower};
use mixbed_telemetry::{Condition, Counter, DirectoryMetrics, FollowerMetrics};

/// How often counters are read when nothing else happens: more often than anybody scrapes.
const EVERY: Duration = Duration::from_secs(1);

/// Carries a follower's counters over to its metrics.
pub(crate) async fn follow(mut follower: Follower, metrics: FollowerMetrics) {
    let mut seen = Seen::default();
    loop {
        if let Some(document) = follower.current() {
            metrics.document_epoch.set(signed(document.epoch));
        }
        if follower.state().is_following() {
            metrics.document_age_seconds.happened(SystemTime::now());
        }
        if let Some(clock) = follower.clock() {
            let distance = clock.distance.as_secs_f64();
            let offset = if clock.ahead { distance } else { -distance };
            metrics.clock_offset_seconds.set(offset);
        }
        let FollowerCounters { accepted, refused, lost } = &**follower.counters();
        seen.step(lost, "lost", &metrics.directory_lost);
        seen.each(accepted, "accepted", |word| metrics.update(word));
        seen.each(refused, "refused", |word| metrics.update(word));
        let _ = tokio::time::timeout(EVERY, follower.changed()).await;
    }
}

/// Carries a directory's counters over to its metrics, while it lives; for one reading.
#[derive(Debug)]
pub(crate) struct DirectoryGlue {
    metrics: DirectoryMetrics,
    seen: Seen,
}

impl DirectoryGlue {
    pub(crate) fn new(metrics: DirectoryMetrics) -> Self {
        Self { metrics, seen: Seen::default() }
    }

    /// For as long as it runs.
    pub(crate) async fn run(mut self, authority: &Authority) {
        while authority.is_running() {
            self.carry(authority);
            tokio::time::sleep(EVERY).await;
        }
    }

    fn carry(&mut self, authority: &Authority) {
        let (counters, metrics) = (authority.counters(), &self.metrics);
        metrics.epoch.set(signed(counters.epoch.load(Relaxed)));
        metrics.watchers.set(signed(counters.watchers.load(Relaxed)));
        if let Some(document) = authority.document() {
            metrics.revision.set(signed(document.revision));
            count_nodes(metrics, &document);
        }
        let registration = |word| metrics.registration(word);
        self.seen.each(&counters.listed, "listed", registration);
        self.seen.each(&counters.renewed, "renewed", registration);
        for (reason, count) in counters.rejected() {
            self.seen.to(count, reason.as_str(), registration);
        }
        let voting = |kind| metrics.voting(kind);
        for (kind, count) in counters.voting() {
            self.seen.to(count, kind, voting);
        }
        self.seen.each(&counters.flooded, "flooded", voting);
        self.seen.each(&counters.foreign, "foreign", voting);
        let steps = [
            (&counters.documents, "documents", &metrics.documents_published),
            (&counters.departed, "departed", &metrics.nodes_departed),
            (&counters.expired, "expired", &metrics.nodes_expired),
            (&counters.watchers_refused, "watchers_refused", &metrics.watchers_refused),
            (&counters.save_failures, "save_failures", &metrics.save_failures),
            (&counters.clock_jumps, "clock_jumps", &metrics.clock_jumps),
        ];
        for (counter, word, metric) in steps {
            self.seen.step(counter, word, metric);
        }
    }
}

fn count_nodes(metrics: &DirectoryMetrics, document: &Document) {
    metrics.set_nodes("gateway", document.gateways().count());
    metrics.set_nodes("provider", document.providers().count());
    let mixes = document.nodes.iter().filter(|node| node.role.layer().is_some());
    metrics.set_nodes("mix", mixes.count());
}

/// Keeps a condition in step with a client's state.
pub(crate) async fn watch_client(client: Client, condition: Condition) {
    let mut state = client.state();
    loop {
        {
            let state = state.borrow_and_update();
            if state.can_send() {
                condition.met();
            } else {
                condition.unmet(state.to_string());
            }
        }
        if state.changed().await.is_err() {
            return;
        }
    }
}

/// How far each counter was when it was last read.
#[derive(Debug, Default)]
struct Seen(HashMap<&'static str, u64>);

impl Seen {
    /// Calls `count` once for each step that the counter has made since.
    fn each(&mut self, counter: &AtomicU64, word: &'static str, count: impl Fn(&'static str)) {
        self.to(counter.load(Relaxed), word, count);
    }

    /// The same, for a metric of its own.
    fn step(&mut self, counter: &AtomicU64, word: &'static str, metric: &Counter) {
        self.each(counter, word, |_| {
            metric.inc();
        });
    }

    fn to(&mut self, now: u64, word: &'static str, count: impl Fn(&'static str)) {
        let before = self.0.insert(word, now).unwrap_or(0);
        (before..now).for_each(|_| count(word));
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn each_step_is_carried_over_once() {
        let mut seen = Seen::default();
        let total = Cell::new(0);
        let count = |_| total.set(total.get() + 1);
        let counter = AtomicU64::new(3);
        seen.each(&counter, "a", count);
        seen.each(&counter, "a", count);
        assert_eq!(total.get(), 3);
        counter.store(5, Relaxed);
        seen.each(&counter, "a", count);
        seen.to(1, "b", count);
        assert_eq!(total.get(), 6);
    }
}
