//! The sets of nodes: gateways, three layers of mixes, providers.

use k8s_openapi::api::apps::v1::{
    RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy,
    StatefulSetSpec, StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    Container, PersistentVolumeClaim, PersistentVolumeClaimSpec, PodSpec, VolumeMount,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::core::ObjectMeta;

use super::pod::{STATE_DIR, container, identity, mount, probed, scratch, secret, template};
use super::ports::{DOCUMENTS, LINK, NODE_HTTP, NODE_PROBES};
use super::{Plan, amounts, monerod};
use crate::api::{MONEROD_NAME, MONEROD_PORT, MONEROD_RESTRICTED_PORT, Storage};
use crate::child::{Child, Labels, matching};
use crate::mixnet::{NodeKind, NodeSet};

/// Where a node's own keys are mounted.
const KEYS_DIR: &str = "/etc/mixbed/keys";

/// How long a pod must have been ready before the next is made anew: then everyone has the
/// document that lists it.
const SETTLED: i32 = 5;

/// What ending takes besides draining.
const ENDING: u64 = 15;

/// The five StatefulSets.
pub(super) fn nodes(plan: Plan) -> impl Iterator<Item = Child> {
    plan.mixnet.sets().into_iter().map(move |set| stateful_set(plan, &set))
}

fn stateful_set(plan: Plan, set: &NodeSet) -> Child {
    let role = set.kind.role();
    let with = |mut labels: Labels| {
        labels.extend(set.kind.labels());
        labels
    };
    let selector = with(plan.owner().selector(role));
    let labels = with(plan.labels(role));
    let template = template(plan, labels.clone(), selector.clone(), &set.pods, pod(plan, set));
    let claims = stored(set.kind).zip(plan.mixnet.spec.storage.as_ref());
    let keep = plan.mixnet.spec.storage.as_ref().is_some_and(|storage| storage.keep);
    let spec = StatefulSetSpec {
        replicas: Some(set.replicas),
        service_name: Some(plan.names().nodes()),
        pod_management_policy: Some("Parallel".to_owned()),
        min_ready_seconds: Some(SETTLED),
        revision_history_limit: Some(2),
        selector: matching(selector),
        template,
        update_strategy: Some(StatefulSetUpdateStrategy {
            type_: Some("RollingUpdate".to_owned()),
            rolling_update: Some(RollingUpdateStatefulSetStrategy::default()),
        }),
        persistent_volume_claim_retention_policy: claims.map(|_| {
            StatefulSetPersistentVolumeClaimRetentionPolicy {
                when_deleted: Some(if keep { "Retain" } else { "Delete" }.to_owned()),
                // A pod that comes back finds what it had.
                when_scaled: Some("Retain".to_owned()),
            }
        }),
        volume_claim_templates: claims.map(|(name, storage)| vec![claim(plan, set, name, storage)]),
        ..StatefulSetSpec::default()
    };
    Child::of(&StatefulSet {
        metadata: plan.owner().metadata(set.name.clone(), labels),
        spec: Some(spec),
        status: None,
    })
}

fn pod(plan: Plan, set: &NodeSet) -> PodSpec {
    let provider = set.kind == NodeKind::Provider;
    let stored = plan.mixnet.spec.storage.as_ref().and_then(|_| stored(set.kind));
    let mut volumes = vec![secret(plan, "keys", plan.owner().unique(&set.keys_secret()))];
    let places =
        [("state", "1536Mi")].into_iter().chain(provider.then_some((monerod::CHAIN, "4Gi")));
    let places = places.filter(|(name, _)| stored != Some(*name));
    volumes.extend(places.map(|(name, most)| scratch(name, most)));
    volumes.extend(provider.then(|| monerod::peers_volume(plan)));
    PodSpec {
        init_containers: provider.then(|| vec![monerod::monerod(plan)]),
        containers: vec![node(plan, set)],
        volumes: Some(volumes),
        termination_grace_period_seconds: Some(grace(plan)),
        ..PodSpec::default()
    }
}

/// A whole number of seconds that is long enough for a drain and what comes after it.
fn grace(plan: Plan) -> i64 {
    let drain = plan.mixnet.spec.drain.0;
    let seconds = drain.as_secs() + u64::from(drain.subsec_nanos() > 0);
    i64::try_from(seconds.saturating_add(ENDING)).unwrap_or(i64::MAX)
}

fn node(plan: Plan, set: &NodeSet) -> Container {
    let spec = &plan.mixnet.spec;
    let (mixnet, namespace) = (plan.mixnet.name(), plan.owner().namespace());
    let directory = plan.names().directory();
    let mut args = vec!["node".to_owned(), format!("--role={}", set.kind.role())];
    args.extend(set.kind.layer().map(|layer| format!("--layer={layer}")));
    args.extend([
        "--name=$(POD_NAME)".to_owned(),
        format!("--network={mixnet}"),
        format!("--directory=mixbed://{directory}.{namespace}.svc:{}", DOCUMENTS.number),
        format!("--authority-key={}", plan.secrets.authority_key()),
        format!("--keys-file={KEYS_DIR}/node"),
        format!("--listen=0.0.0.0:{}", LINK.number),
        "--advertise=$(POD_IP)".to_owned(),
        format!("--http=0.0.0.0:{}", NODE_HTTP.number),
        format!("--probes=0.0.0.0:{}", NODE_PROBES.number),
        format!("--state-dir={STATE_DIR}"),
        format!("--drain={}", spec.drain),
    ]);
    args.extend(spec.tracing.otlp.iter().map(|url| format!("--otlp={url}")));
    let (amounts, name) = match set.kind {
        NodeKind::Gateway => (amounts::GATEWAY, "gateway"),
        NodeKind::Mix(_) => (amounts::MIX, "mix"),
        NodeKind::Provider => {
            // What clients reach must not stop monerod, or tell what others have just handed in.
            let (known, restricted) = (MONEROD_PORT, MONEROD_RESTRICTED_PORT);
            args.push(format!("--monerod=http://127.0.0.1:{restricted}"));
            args.push(format!("--tcp-allow={MONEROD_NAME}:{known}"));
            args.push(format!("--tcp-name={MONEROD_NAME}:{known}=127.0.0.1:{restricted}"));
            (amounts::PROVIDER, "provider")
        }
    };
    let keys = VolumeMount {
        sub_path_expr: Some("$(POD_NAME)".to_owned()),
        ..mount("keys", &format!("{KEYS_DIR}/node"), true)
    };
    let node = Container {
        args: Some(args),
        env: Some(identity()),
        ports: Some(vec![LINK.container(), NODE_HTTP.container(), NODE_PROBES.container()]),
        resources: Some(amounts.at_least(set.pods.resources.as_ref(), plan.least())),
        volume_mounts: Some(vec![keys, mount("state", STATE_DIR, false)]),
        ..container(plan, name, &plan.mixnet.images.mixbed)
    };
    probed(node, NODE_PROBES, "/healthz", "/readyz")
}

/// Which of a pod's volumes outlives it, if there is storage.
fn stored(kind: NodeKind) -> Option<&'static str> {
    match kind {
        NodeKind::Gateway => Some("state"),
        NodeKind::Mix(_) => None,
        NodeKind::Provider => Some(monerod::CHAIN),
    }
}

fn claim(plan: Plan, set: &NodeSet, name: &str, storage: &Storage) -> PersistentVolumeClaim {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(plan.labels(set.kind.role())),
        ..ObjectMeta::default()
    };
    let size = [("storage".to_owned(), Quantity(storage.size.clone()))].into();
    PersistentVolumeClaim {
        metadata,
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: storage.class_name.clone(),
            resources: Some(VolumeResourceRequirements { requests: Some(size), limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
