//! The Job.

use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};

use super::{labels, pod};
use crate::broadcast::ValidBroadcast;
use crate::child::{Child, OnlyIf};

/// A pod that was killed is followed by another one so often; each goes on where the one before
/// was.
const PODS: i32 = 100;

/// The pod ends the run at its deadline; if it cannot even do that, Kubernetes does, so much later.
const LATER: i64 = 60;

/// What ends a run: exit code 1, it is over, and 2, its command line is wrong. Any other end of the
/// container is a kill or a crash.
const FINAL: [i32; 2] = [1, 2];

/// One pod at a time, and never two at once.
pub(super) fn job(broadcast: &ValidBroadcast) -> Child {
    let owner = &broadcast.owner;
    let deadline = i64::try_from(broadcast.spec.deadline.0.as_secs()).unwrap_or(i64::MAX - LATER);
    let taken_away = PodFailurePolicyRule {
        action: "Ignore".to_owned(),
        on_exit_codes: None,
        on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
            type_: "DisruptionTarget".to_owned(),
            status: "True".to_owned(),
        }]),
    };
    let over = PodFailurePolicyRule {
        action: "FailJob".to_owned(),
        on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
            container_name: Some(pod::MAIN.to_owned()),
            operator: "In".to_owned(),
            values: FINAL.into(),
        }),
        on_pod_conditions: None,
    };
    let job = Job {
        metadata: owner.metadata(owner.name(), labels(owner)),
        spec: Some(JobSpec {
            completions: Some(1),
            parallelism: Some(1),
            backoff_limit: Some(PODS),
            active_deadline_seconds: Some(deadline + LATER),
            pod_replacement_policy: Some("Failed".to_owned()),
            pod_failure_policy: Some(PodFailurePolicy { rules: vec![taken_away, over] }),
            template: pod::template(broadcast),
            ..JobSpec::default()
        }),
        status: None,
    };
    // What is in its template cannot be changed: it is made once.
    Child::of(&job).only_if(OnlyIf::Absent)
}
