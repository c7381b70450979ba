//! What all pods have in common: the restricted Pod Security Standard, probes, where they run.

use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, EnvVar, EnvVarSource, HTTPGetAction,
    ObjectFieldSelector, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, SeccompProfile,
    SecretVolumeSource, SecurityContext, TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::core::ObjectMeta;

use super::Plan;
use super::ports::Port;
use crate::api::{PodSettings, Scheduling};
use crate::child::{Labels, matching};

/// The user that the images are made for. Any other would do: nothing in them is written to.
const USER: i64 = 65_532;

/// Where a program's own files are.
pub(super) const STATE_DIR: &str = "/var/lib/mixbed";

/// A container as all are: nothing that a program without privileges does not need.
pub(super) fn container(plan: Plan, name: &str, image: &str) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: plan.mixnet.images.policy.clone(),
        // The last words of one that crashes: the Mixnet's status passes them on.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

/// A pod's template: these containers, as this user, where the spec says.
pub(super) fn template(
    plan: Plan,
    labels: Labels,
    selector: Labels,
    settings: &PodSettings,
    pod: PodSpec,
) -> PodTemplateSpec {
    let metadata = ObjectMeta { labels: Some(labels), ..ObjectMeta::default() };
    let scheduling = settings.scheduling.as_ref().unwrap_or(&plan.mixnet.spec.scheduling);
    let Scheduling { node_selector, tolerations, spread_over } = scheduling.clone();
    let spread = TopologySpreadConstraint {
        label_selector: Some(matching(selector)),
        max_skew: 1,
        topology_key: spread_over.unwrap_or_else(|| "kubernetes.io/hostname".to_owned()),
        // Better two on one machine than one that waits.
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        ..TopologySpreadConstraint::default()
    };
    let spec = PodSpec {
        automount_service_account_token: Some(pod.service_account_name.is_some()),
        // Variables that are named after Services could be taken for settings of the programs.
        enable_service_links: Some(false),
        node_selector: (!node_selector.is_empty()).then_some(node_selector),
        tolerations: (!tolerations.is_empty()).then_some(tolerations),
        topology_spread_constraints: Some(vec![spread]),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..PodSecurityContext::default()
        }),
        ..pod
    };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) }
}

/// Adds an annotation: a pod whose annotations change is made anew.
pub(super) fn annotated(
    mut template: PodTemplateSpec,
    key: &str,
    value: String,
) -> PodTemplateSpec {
    let metadata = template.metadata.get_or_insert_default();
    metadata.annotations.get_or_insert_default().insert(key.to_owned(), value);
    template
}

/// Gives a container its three probes: it has a minute to start, is looked at often then, as
/// others wait for it, and is ended only if it says nothing for half a minute.
pub(super) fn probed(container: Container, port: Port, alive: &str, ready: &str) -> Container {
    let probe = |path: &str, period, failures, timeout| Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: port.by_name(),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(timeout),
        ..Probe::default()
    };
    Container {
        startup_probe: Some(probe(alive, 1, 60, 2)),
        readiness_probe: Some(probe(ready, 2, 3, 2)),
        liveness_probe: Some(probe(alive, 10, 3, 5)),
        ..container
    }
}

/// A variable with this value.
pub(super) fn variable(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.into()), value_from: None }
}

/// The pod's name, address and namespace as variables, and as attributes of its spans.
pub(super) fn identity() -> Vec<EnvVar> {
    let field = |name: &str, path: &str| EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: Some("v1".to_owned()),
                field_path: path.to_owned(),
            }),
            ..EnvVarSource::default()
        }),
    };
    vec![
        field("POD_NAME", "metadata.name"),
        field("POD_NAMESPACE", "metadata.namespace"),
        field("POD_IP", "status.podIP"),
        variable(
            "OTEL_RESOURCE_ATTRIBUTES",
            "k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE)",
        ),
    ]
}

/// A place to write to, as long as the pod lives.
pub(super) fn scratch(name: &str, most: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(most.to_owned())),
            medium: None,
        }),
        ..Volume::default()
    }
}

/// A Secret's entries as files, for the pod's user only.
pub(super) fn secret(name: &str, secret: String) -> Volume {
    Volume {
        name: name.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret),
            default_mode: Some(0o440),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Where a volume is found.
pub(super) fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}
