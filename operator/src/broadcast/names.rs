//! What the operator and a Broadcast's pod know each other by.

use k8s_openapi::api::core::v1::ConfigMap;

use crate::api::Report;

/// The key of the report in its `ConfigMap`.
pub const REPORT_KEY: &str = "report.json";

/// The key of what is not mined yet, with its bytes, in the same `ConfigMap`.
pub const UNRESOLVED_KEY: &str = "unresolved.json";

/// Annotation of the ConfigMap: `true` once the Broadcast is cancelled. A pod that is stopped and
/// finds it ends the run; without it, the next pod goes on.
pub const CANCELLED_ANNOTATION: &str = "mixbed.dev/cancelled";

/// The `ConfigMap` with the report of the Broadcast with this name.
#[must_use]
pub fn report_name(broadcast: &str) -> String {
    format!("{broadcast}-report")
}

/// What a pod has written, if it has yet, and it can be read.
#[must_use]
pub fn read_report(map: &ConfigMap) -> Option<Report> {
    serde_json::from_str(map.data.as_ref()?.get(REPORT_KEY)?).ok()
}
