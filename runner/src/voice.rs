//! What a run says in its log.

use std::time::{Duration, Instant};

use mixbed_operator::api::Report;
use serde::Serialize;

use crate::core::Run;

/// Progress is told at most so often.
const OFTEN: Duration = Duration::from_secs(1);

/// The last line: all but the transactions.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    phase: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: &'a Option<String>,
    wanted: u32,
    submitted: u32,
    accepted: u32,
    mined: u32,
    failed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<mixbed_operator::api::Latency>,
}

/// Says progress, each line once.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    last: Option<(Instant, String)>,
}

impl Voice {
    /// `say` gets a line, if there is one to say.
    pub(crate) fn tell(&mut self, run: &Run, now: Instant, say: &mut impl FnMut(&str)) {
        if self.last.as_ref().is_some_and(|(at, _)| now < *at + OFTEN) {
            return;
        }
        let report = run.report();
        let mut line = report.message;
        if let Some(latency) = report.latency {
            line = format!("{line}, p50 {} ms", latency.p50_ms);
        }
        if self.last.as_ref().is_some_and(|(_, last)| *last == line) {
            return;
        }
        say(&line);
        self.last = Some((now, line));
    }
}

/// Says the whole report: a line of JSON each transaction, and one of all.
pub(crate) fn conclude(report: &Report, say: &mut impl FnMut(&str)) {
    let counts = crate::core::Counts::of(report.wanted, &report.transactions);
    for transaction in &report.transactions {
        say(&serde_json::to_string(transaction).unwrap_or_default());
    }
    let summary = Summary {
        phase: format!("{:?}", report.phase),
        message: &report.message,
        reason: &report.reason,
        wanted: counts.wanted,
        submitted: counts.submitted,
        accepted: counts.accepted,
        mined: counts.mined,
        failed: counts.failed,
        latency: report.latency,
    };
    say(&serde_json::to_string(&summary).unwrap_or_default());
}
