//! The directory.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::pod::{annotated, container, identity, mount, probed, secret, template};
use super::ports::{DIRECTORY_HTTP, DIRECTORY_PROBES, DOCUMENTS};
use super::{Plan, amounts};
use crate::account::{token_mount, token_volume};
use crate::child::{Child, matching};
use crate::mixnet::secrets::AUTHORITY_KEY;

/// Where the directory's key is mounted: in its own pod, and in no other.
const AUTHORITY_DIR: &str = "/etc/mixbed/authority";

/// The pod is made anew when the Secret that it mounts changes: it is read only at the start.
const SECRETS_ANNOTATION: &str = "mixbed.dev/secrets";

/// One pod, with its state in a Secret: its nodes and parameters come by gRPC, not by arguments.
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
        format!("--probes=0.0.0.0:{}", DIRECTORY_PROBES.number),
        format!("--authority-secret-key-file={AUTHORITY_DIR}/{AUTHORITY_KEY}"),
        format!("--admin-key={}", plan.secrets.admin().public()),
        format!("--state-secret={}", plan.secrets.state()),
        format!("--lease={}", spec.lease),
    ];
    let directory = Container {
        args: Some(args.into()),
        env: Some(identity()),
        ports: Some(vec![
            DOCUMENTS.container(),
            DIRECTORY_HTTP.container(),
            DIRECTORY_PROBES.container(),
        ]),
        resources: Some(amounts::DIRECTORY.at_least(spec.pods.resources.as_ref(), plan.least())),
        volume_mounts: Some(vec![mount("authority", AUTHORITY_DIR, true), token_mount()]),
        ..container(plan, "directory", &plan.mixnet.images.mixbed)
    };
    let pod = PodSpec {
        containers: vec![probed(directory, DIRECTORY_PROBES, "/healthz", "/readyz")],
        volumes: Some(vec![
            secret(plan, "authority", plan.owner().unique(&names.authority())),
            token_volume(),
        ]),
        service_account_name: Some(plan.directory_account()),
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
            template: annotated(template, SECRETS_ANNOTATION, plan.secrets.directory_checksum()),
            ..StatefulSetSpec::default()
        }),
        status: None,
    })
}
