//! What is to be done for a Broadcast now.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::{build, status, validate};
use crate::api::{Broadcast, Mixnet, Report};
use crate::child::Child;
use crate::mixnet::Defaults;

/// What is known of a Broadcast.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// Itself.
    pub broadcast: &'a Broadcast,
    /// The Mixnet that it names, if there is one.
    pub mixnet: Option<&'a Mixnet>,
    /// Its Job, if it has one.
    pub job: Option<&'a Job>,
    /// What its pod has written, if it has.
    pub report: Option<&'a Report>,
    /// What keeps its pods from running, in words.
    pub troubles: &'a [String],
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing: it waits, or runs, or is over.
    Leave,
    /// These are to be there, the Job last. Only ever asked for while there is no Job: a Job's pods
    /// cannot be changed, and a run keeps what it began with. Nothing that is not among them is to
    /// be removed.
    Make(Vec<Child>),
    /// The run is to end. In this order: these are to be there (the `ConfigMap`, with its mark), then
    /// the Job of the Broadcast's name gets this merge patch, by which Kubernetes stops its pod.
    Cancel {
        /// To be applied first.
        children: Vec<Child>,
        /// The Job's merge patch.
        job: Value,
    },
}

/// What is to be done for a Broadcast at `now`.
#[must_use]
pub fn step(observed: Observed, defaults: &Defaults, now: &Time) -> Step {
    let Observed { broadcast, mixnet, job, .. } = observed;
    let over = status(observed, now).phase.is_over();
    if broadcast.spec.cancelled {
        let suspended = |job: &Job| job.spec.as_ref().is_some_and(|s| s.suspend == Some(true));
        let Some(job) = job.filter(|job| !suspended(job)) else { return Step::Leave };
        let reported = observed.report.is_some_and(|report| report.phase.is_over());
        if reported || has_ended(job) {
            return Step::Leave;
        }
        let Some(map) = build::report_map(broadcast) else { return Step::Leave };
        return Step::Cancel { children: vec![map], job: json!({ "spec": { "suspend": true } }) };
    }
    if over || job.is_some() {
        return Step::Leave;
    }
    let Some(mixnet) = mixnet else { return Step::Leave };
    match validate(broadcast, mixnet, defaults) {
        Ok(valid) => Step::Make(build(&valid)),
        Err(_) => Step::Leave,
    }
}

/// Whether a Job will do nothing more.
pub(super) fn has_ended(job: &Job) -> bool {
    let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .filter(|condition| condition.status == "True")
        .any(|condition| matches!(condition.type_.as_str(), "Complete" | "Failed"))
}
