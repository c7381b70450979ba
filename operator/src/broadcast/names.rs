//! What the operator and a Broadcast's pod know each other by.

use k8s_openapi::api::core::v1::ConfigMap;

use crate::api::{REPORT_KEY, Report};
use crate::child::Owner;

/// The key of what is not mined yet, with its bytes, in the `Secret` of the run.
pub const UNRESOLVED_KEY: &str = "unresolved.json";

/// Annotation of the ConfigMap: `true` once the Broadcast is cancelled. A pod that is stopped and
/// finds it ends the run; without it, the next pod goes on.
pub const CANCELLED_ANNOTATION: &str = "mixbed.dev/cancelled";

/// The `ConfigMap` with a Broadcast's report.
#[must_use]
pub fn report_name(owner: &Owner) -> String {
    owner.unique(&format!("{}-report", owner.name()))
}

/// The `Secret` with what a run goes on from: whoever may only look at the namespace reads the
/// report, and not transactions that were not sent yet.
#[must_use]
pub fn run_name(owner: &Owner) -> String {
    owner.unique(&format!("{}-run", owner.name()))
}

/// The account of a Broadcast's pod, its role and its binding.
#[must_use]
pub fn account_name(owner: &Owner) -> String {
    owner.unique(&format!("{}-broadcast", owner.name()))
}

/// What a pod has written, if it has yet, and it can be read.
#[must_use]
pub fn read_report(map: &ConfigMap) -> Option<Report> {
    serde_json::from_str(map.data.as_ref()?.get(REPORT_KEY)?).ok()
}
