//! The directory.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::pod::{annotated, container, identity, mount, probed, secret, template};
use super::ports::{DIRECTORY_HTTP, DOCUMENTS};
use super::{Plan, amounts};
use crate::child::{Child, matching};

/// Where the network's Secret is mounted.
pub(super) const NETWORK_DIR: &str = "/etc/mixbed/network";

/// A pod is made anew when the network's Secret changes: it is read only at the start.
pub(super) const SECRET_ANNOTATION: &str = "mixbed.dev/network-secret";

/// One pod, with its state in a Secret: its parameters come by gRPC, not by arguments.
pub(super) fn directory(plan: Plan) -> Child {
    let names = plan.names();
    let name = names.directory();
    let spec = &plan.mixnet.spec.directory;
    let selector = plan.owner().selector("directory");
    let args = [
        "directory".to_owned(),
        format!("--network={}", plan.mixnet.name()),
        format!("--listen=0.0.0.0:{}", DOCUMENTS.number),
        format!("--http=0.0.0.0:{}", DIRECTORY_HTTP.number),
        format!("--authority-secret-key-file={NETWORK_DIR}/authority.key"),
        format!("--join-secret-file={NETWORK_DIR}/join-secret"),
        format!("--admin-key={}", plan.secrets.admin().public()),
        format!("--state-secret={}", names.directory_state()),
        format!("--lease={}", spec.lease),
    ];
    let directory = Container {
        args: Some(args.into()),
        env: Some(identity()),
        ports: Some(vec![DOCUMENTS.container(), DIRECTORY_HTTP.container()]),
        resources: Some(amounts::DIRECTORY.at_least(spec.pods.resources.as_ref(), plan.least())),
        volume_mounts: Some(vec![mount("network", NETWORK_DIR, true)]),
        ..container(plan, "directory", &plan.mixnet.images.mixbed)
    };
    let pod = PodSpec {
        containers: vec![probed(directory, DIRECTORY_HTTP, "/healthz", "/readyz")],
        volumes: Some(vec![secret(plan, "network", names.network_secret())]),
        service_account_name: Some(name.clone()),
        termination_grace_period_seconds: Some(15),
        ..PodSpec::default()
    };
    let labels = plan.labels("directory");
    let template = template(plan, labels, selector.clone(), &spec.pods, pod);
    Child::of(&StatefulSet {
        metadata: plan.owner().metadata(name, plan.labels("directory")),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            service_name: Some(names.nodes()),
            pod_management_policy: Some("Parallel".to_owned()),
            revision_history_limit: Some(2),
            selector: matching(selector),
            template: annotated(template, SECRET_ANNOTATION, plan.secrets.checksum()),
            ..StatefulSetSpec::default()
        }),
        status: None,
    })
}
