//! How a Broadcast gets on.

use std::time::Duration;

use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::step::{Observed, has_ended};
use crate::api::{
    Broadcast, BroadcastPhase, BroadcastStatus, FailureCount, Mixnet, Report, SHOWN_TRANSACTIONS,
    TransactionState, condition, is_true, set_condition,
};

/// Reasons that a status lists.
const REASONS: usize = 10;

/// The last report may be seen a moment after the end of the Job that it is of.
const LAST_REPORT: Duration = Duration::from_secs(10);

/// An end that is not well: a CamelCase word, and why.
type End = (BroadcastPhase, String, String);

/// How a Broadcast gets on at `now`. What is over once stays as it is.
#[must_use]
pub fn status(observed: Observed, now: &Time) -> BroadcastStatus {
    let Observed { broadcast, job, report, .. } = observed;
    let mut status = broadcast.status.clone().unwrap_or_default();
    status.observed_generation = broadcast.metadata.generation;
    if status.phase.is_over() {
        return status;
    }
    if let Some(job) = job {
        status.started_at = job.status.as_ref().and_then(|status| status.start_time.clone());
    }
    if let Some(report) = report {
        take(&mut status, report);
    }
    let (phase, reason, message) = end(observed, now).unwrap_or_else(|| going(observed));
    status.phase = phase;
    status.message = message;
    if phase.is_over() {
        status.finished_at = Some(now.clone());
    }
    if phase == BroadcastPhase::Failed {
        give_up(&mut status, broadcast, report);
    }
    let generation = broadcast.metadata.generation;
    let mut tell = |kind, holds, reason: &str, message: &str| {
        let new = condition(kind, holds, reason, message, generation, now.clone());
        set_condition(&mut status.conditions, new);
    };
    let message = status.message.clone();
    let complete = phase == BroadcastPhase::Succeeded;
    tell("Complete", complete, if complete { "AllMined" } else { &reason }, &message);
    let failed = matches!(phase, BroadcastPhase::Failed | BroadcastPhase::Cancelled);
    tell("Failed", failed, if complete { "AllMined" } else { &reason }, &message);
    status
}

/// When [`status`] may be another one although nothing was observed; nothing: never.
#[must_use]
pub fn look_again(observed: Observed, now: &Time) -> Option<Time> {
    let status = status(observed, now);
    if status.phase.is_over() {
        return None;
    }
    let at = match observed.job.and_then(ended) {
        Some(condition) => later(&condition.last_transition_time.clone()?, LAST_REPORT)?,
        None if observed.job.is_some() => return None,
        None => deadline(observed.broadcast)?,
    };
    (at.0 > now.0).then_some(at)
}

/// Takes over what the pod has written.
fn take(status: &mut BroadcastStatus, report: &Report) {
    let all = &report.transactions;
    let count = |wanted: &dyn Fn(TransactionState) -> bool| {
        u32::try_from(all.iter().filter(|one| wanted(one.state)).count()).unwrap_or(u32::MAX)
    };
    status.submitted = count(&|_| true);
    status.mined = count(&|state| state == TransactionState::Mined);
    status.failed = count(&|state| state == TransactionState::Failed);
    let accepted = all.iter().filter(|one| {
        one.latency_ms.is_some()
            || matches!(one.state, TransactionState::Accepted | TransactionState::Mined)
    });
    status.accepted = u32::try_from(accepted.count()).unwrap_or(u32::MAX);
    status.latency = report.latency;
    status.transactions = all[all.len().saturating_sub(SHOWN_TRANSACTIONS)..].to_vec();
    status.reasons = reasons(report);
}

/// The most frequent first.
fn reasons(report: &Report) -> Vec<FailureCount> {
    let mut reasons: Vec<FailureCount> = Vec::new();
    for failed in report.transactions.iter().filter(|one| one.state == TransactionState::Failed) {
        let reason = failed.reason.clone().unwrap_or_else(|| "unknown".to_owned());
        match reasons.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.count += 1,
            None => reasons.push(FailureCount { reason, count: 1 }),
        }
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    reasons.truncate(REASONS);
    reasons
}

/// What is not mined when a run has failed will not be, also what was never sent.
fn give_up(status: &mut BroadcastStatus, broadcast: &Broadcast, report: Option<&Report>) {
    let wanted = u32::try_from(broadcast.spec.transactions).unwrap_or_default();
    status.failed = wanted.saturating_sub(status.mined);
    let told: u32 = report.map(reasons).unwrap_or_default().iter().map(|one| one.count).sum();
    let unsent = wanted.saturating_sub(status.submitted);
    if unsent > 0 && told < status.failed && status.reasons.len() < REASONS {
        let reason = "not sent before the end".to_owned();
        status.reasons.push(FailureCount { reason, count: unsent });
    }
}

/// How it ended, if it has.
fn end(observed: Observed, now: &Time) -> Option<End> {
    let Observed { broadcast, mixnet, job, report, troubles } = observed;
    let failed = |reason: &str, message: String| {
        Some((BroadcastPhase::Failed, reason.to_owned(), format!("failed: {message}")))
    };
    if let Some(report) = report.filter(|report| report.phase.is_over()) {
        let reason = report.reason.clone().unwrap_or_else(|| "AllMined".to_owned());
        let message = match report.phase {
            BroadcastPhase::Succeeded => story(report),
            BroadcastPhase::Cancelled => format!("cancelled: {}", story(report)),
            _ => format!("failed: {}", report.message),
        };
        return Some((report.phase, reason, message));
    }
    if broadcast.spec.cancelled && job.is_none_or(is_idle) {
        let how = report.map_or_else(|| "nothing was sent".to_owned(), story);
        let message = format!("cancelled: {how}");
        return Some((BroadcastPhase::Cancelled, "Cancelled".to_owned(), message));
    }
    if let Some(job) = job {
        let condition = ended(job)?;
        let since = condition.last_transition_time.as_ref()?;
        if later(since, LAST_REPORT)?.0 > now.0 {
            return None;
        }
        let name = broadcast.metadata.name.as_deref().unwrap_or_default();
        let said = troubles.first().or(condition.message.as_ref()).cloned().unwrap_or_default();
        let reason = match condition.reason.as_deref() {
            Some("DeadlineExceeded") => "DeadlineExceeded",
            _ => "PodFailed",
        };
        let message = format!("its pod ended without a report ({said}): kubectl logs job/{name}");
        return failed(reason, message);
    }
    if deadline(broadcast)?.0 > now.0 {
        return None;
    }
    let wanted = broadcast.spec.transactions;
    let (name, limit) = (&broadcast.spec.mixnet, broadcast.spec.deadline);
    let message = match mixnet {
        None => format!("deadline of {limit} passed, and there was no Mixnet {name}"),
        Some(_) if report.is_some() => format!("deadline of {limit} passed, {wanted} wanted"),
        Some(mixnet) => format!("deadline of {limit} passed, waiting for {}", how_is(name, mixnet)),
    };
    let reason = if mixnet.is_none() { "MixnetNotFound" } else { "DeadlineExceeded" };
    failed(reason, message)
}

/// How it goes on.
fn going(observed: Observed) -> End {
    let Observed { broadcast, mixnet, job, report, troubles } = observed;
    let name = &broadcast.spec.mixnet;
    let pending =
        |reason: &str, message: String| (BroadcastPhase::Pending, reason.to_owned(), message);
    if job.is_none() {
        return match mixnet {
            None => pending(
                "MixnetNotFound",
                format!("waiting for Mixnet {name}: there is none in this namespace"),
            ),
            Some(mixnet) if !is_ready(mixnet) => {
                pending("MixnetNotReady", format!("waiting for {}", how_is(name, mixnet)))
            }
            Some(_) => pending("Starting", "starting its pod".to_owned()),
        };
    }
    let trouble = troubles.first().map(|trouble| format!("; its pod: {trouble}"));
    let trouble = trouble.unwrap_or_default();
    let Some(report) = report else {
        return pending("Starting", format!("starting its pod{trouble}"));
    };
    if broadcast.spec.cancelled {
        return (report.phase, "Cancelling".to_owned(), format!("cancelling: {}", story(report)));
    }
    let message = match report.phase {
        BroadcastPhase::Pending | BroadcastPhase::Funding => report.message.clone(),
        _ => {
            let held_up = report.message.split_once("; ").map(|(_, words)| format!("; {words}"));
            format!("{}{}", story(report), held_up.unwrap_or_default())
        }
    };
    (report.phase, format!("{:?}", report.phase), format!("{message}{trouble}"))
}

/// Such as "38 of 50 mined, p95 1.2 s".
fn story(report: &Report) -> String {
    let of = |state| report.transactions.iter().filter(|one| one.state == state).count();
    let mut story = format!("{} of {} mined", of(TransactionState::Mined), report.wanted);
    let failed = of(TransactionState::Failed);
    if failed > 0 {
        story = format!("{story}, {failed} failed");
    }
    if let Some(latency) = report.latency {
        #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
        let seconds = latency.p95_ms as f64 / 1000.0;
        story = if latency.p95_ms < 1000 {
            format!("{story}, p95 {} ms", latency.p95_ms)
        } else {
            format!("{story}, p95 {seconds:.1} s")
        };
    }
    story
}

fn how_is(name: &str, mixnet: &Mixnet) -> String {
    match mixnet.status.as_ref().map(|status| status.ready.as_str()) {
        Some(ready) if !ready.is_empty() => format!("Mixnet {name}: {ready} nodes ready"),
        _ => format!("Mixnet {name}: it has not begun"),
    }
}

fn is_ready(mixnet: &Mixnet) -> bool {
    mixnet.status.as_ref().is_some_and(|status| is_true(&status.conditions, "Ready"))
}

/// Whether a Job has no pod left.
fn is_idle(job: &Job) -> bool {
    let status = job.status.clone().unwrap_or_default();
    let suspended = job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true));
    let pods = status.active.unwrap_or_default() + status.terminating.unwrap_or_default();
    has_ended(job) || (suspended && pods == 0)
}

fn ended(job: &Job) -> Option<&JobCondition> {
    let mut conditions = job.status.as_ref()?.conditions.as_ref()?.iter();
    conditions.find(|condition| {
        condition.status == "True" && matches!(condition.type_.as_str(), "Complete" | "Failed")
    })
}

/// When a Broadcast has to be over.
fn deadline(broadcast: &Broadcast) -> Option<Time> {
    later(broadcast.metadata.creation_timestamp.as_ref()?, broadcast.spec.deadline.0)
}

fn later(time: &Time, by: Duration) -> Option<Time> {
    time.0.checked_add(by).ok().map(Time)
}
