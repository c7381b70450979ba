//! Carries a submission out against a daemon.

use std::time::{Duration, Instant};

use super::{Call, CallKind, Outcome, Report, Step, Submission, Trouble};
use crate::daemon::{Daemon, DaemonError};

/// A deadline beyond what the clock can count is taken for this.
const LONGEST: Duration = Duration::from_secs(100_000);

/// Hands `raw` to monerod, again while it is away or busy, until it has judged or `deadline` has
/// passed.
///
/// Each request has the daemon's own timeout, or what is left until the deadline if that is less.
pub async fn submit(daemon: &Daemon, raw: &[u8], deadline: Duration) -> Report {
    let begin = Instant::now();
    let end = begin.checked_add(deadline).unwrap_or(begin + LONGEST);
    let mut submission = Submission::new(raw, end);
    let mut log = Log { begin, calls: Vec::new(), last_error: None };
    let outcome = loop {
        let now = Instant::now();
        match submission.poll(now) {
            Step::Submit => {
                let answer = hurried(daemon, end, now).submit(raw).await;
                let answer =
                    log.note(CallKind::Submit, now, answer, |verdict| format!("{verdict:?}"));
                submission.handle_verdict(answer, Instant::now());
            }
            Step::Locate(txid) => {
                let answer = hurried(daemon, end, now).transaction(txid).await;
                let answer = log.note(CallKind::Locate, now, answer, |state| format!("{state:?}"));
                submission.handle_state(answer, Instant::now());
            }
            Step::Wait(until) => tokio::time::sleep_until(until.into()).await,
            Step::Done(outcome) => break outcome,
        }
    };
    let attempts = submission.attempts();
    report(&outcome, attempts, log.last_error.as_ref());
    let elapsed = begin.elapsed();
    Report { txid: submission.txid(), outcome, attempts, elapsed, calls: log.calls }
}

/// The daemon, with no more time for a request than is left.
fn hurried(daemon: &Daemon, end: Instant, now: Instant) -> Daemon {
    let left = end.saturating_duration_since(now);
    daemon.clone().with_timeout(left.min(daemon.timeout()))
}

/// The log is the operator's, and the only place that is told which monerod it was.
fn report(outcome: &Outcome, attempts: u32, last_error: Option<&DaemonError>) {
    if let Outcome::Unavailable { why } = outcome {
        let error = last_error.map(tracing::field::display);
        tracing::warn!(attempts, why, error, "monerod is unavailable");
    } else {
        tracing::debug!(attempts, %outcome, "submission judged");
    }
}

struct Log {
    begin: Instant,
    calls: Vec<Call>,
    last_error: Option<DaemonError>,
}

impl Log {
    /// Notes a call and passes on what came of it.
    fn note<T>(
        &mut self,
        kind: CallKind,
        at: Instant,
        answer: Result<T, DaemonError>,
        words: impl Fn(&T) -> String,
    ) -> Result<T, Trouble> {
        if self.calls.len() < Report::MAX_CALLS {
            let answer = match &answer {
                Ok(answer) => words(answer),
                Err(error) => error.public_words(),
            };
            let started = at.duration_since(self.begin);
            self.calls.push(Call { kind, started, took: at.elapsed(), answer });
        }
        answer.map_err(|error| {
            let trouble = Trouble::from(&error);
            self.last_error = Some(error);
            trouble
        })
    }
}
