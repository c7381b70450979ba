//! What all pods have in common: the restricted Pod Security Standard, probes, where they run.

use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, Container, EmptyDirVolumeSource, EnvVar, EnvVarSource, HTTPGetAction,
    LocalObjectReference, ObjectFieldSelector, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
    SeccompProfile, SecretVolumeSource, SecurityContext, TopologySpreadConstraint, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::core::ObjectMeta;
use serde_json::Value;

use super::Plan;
use super::ports::Port;
use crate::api::{EveryPod, PodSettings, Scheduling};
use crate::child::{Labels, matching};

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
    let every = &plan.mixnet.spec.pods;
    let scheduling = settings.scheduling.as_ref().unwrap_or(&plan.mixnet.spec.scheduling);
    let Scheduling { node_selector, tolerations, affinity, spread_over } = scheduling.clone();
    // Those without an account of their own have the default one's secrets from Kubernetes.
    let every = match pod.service_account_name {
        Some(_) => &every.clone().pulling(&plan.mixnet.account_secrets),
        None => every,
    };
    let spread = TopologySpreadConstraint {
        label_selector: Some(matching(selector)),
        max_skew: 1,
        topology_key: spread_over.unwrap_or_else(|| "kubernetes.io/hostname".to_owned()),
        // Better two on one machine than one that waits.
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        ..TopologySpreadConstraint::default()
    };
    let spec = PodSpec {
        // A container that needs a token has it mounted by itself.
        automount_service_account_token: Some(false),
        // Variables that are named after Services could be taken for settings of the programs.
        enable_service_links: Some(false),
        node_selector: (!node_selector.is_empty()).then_some(node_selector),
        tolerations: (!tolerations.is_empty()).then_some(tolerations),
        affinity: read_affinity(affinity.as_ref()),
        topology_spread_constraints: Some(vec![spread]),
        ..pod
    };
    every_pod(every, labels, spec)
}

/// A pod's template with what every pod has, Broadcasts' too.
pub(crate) fn every_pod(every: &EveryPod, own: Labels, pod: PodSpec) -> PodTemplateSpec {
    // What pods are found by cannot be replaced.
    let labels = every.labels.clone().into_iter().chain(own).collect();
    let metadata = ObjectMeta {
        labels: Some(labels),
        annotations: (!every.annotations.is_empty()).then(|| every.annotations.clone()),
        ..ObjectMeta::default()
    };
    let secrets: Vec<_> = every
        .image_pull_secrets
        .iter()
        .map(|secret| LocalObjectReference { name: secret.name.clone() })
        .collect();
    let user = every.runs_as();
    let spec = PodSpec {
        image_pull_secrets: (!secrets.is_empty()).then_some(secrets),
        priority_class_name: every.priority_class_name.clone(),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: user,
            run_as_group: user,
            fs_group: user,
            fs_group_change_policy: user.map(|_| "OnRootMismatch".to_owned()),
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

/// As the API has it; what is no affinity was refused when the spec was validated.
pub(crate) fn read_affinity(wanted: Option<&Value>) -> Option<Affinity> {
    serde_json::from_value(wanted?.clone()).ok()
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

/// A Secret's entries as files, for the pod's user only; where nobody knows which that is, for all
/// in the pod.
pub(super) fn secret(plan: Plan, name: &str, secret: String) -> Volume {
    let mode = if plan.mixnet.spec.pods.runs_as().is_some() { 0o440 } else { 0o444 };
    Volume {
        name: name.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret),
            default_mode: Some(mode),
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
