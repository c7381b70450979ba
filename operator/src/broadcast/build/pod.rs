//! The pod: what sends, and a wallet beside it.

use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, EnvVar, EnvVarSource, ObjectFieldSelector,
    PodSpec, PodTemplateSpec, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::labels;
use crate::account::{token_mount, token_volume};
use crate::api::{
    DIRECTORY_PORT, MINER_PORT, MONEROD_PORT, THROUGH_MIXNET, WALLET_DAEMON_PORT, WALLET_LABEL,
    WALLET_PORT, WalletWay,
};
use crate::broadcast::{ValidBroadcast, account_name, report_name, run_name};
use crate::child::owned;
use crate::mixnet::Names;
use crate::mixnet::build::amounts;
use crate::mixnet::build::pod::{every_pod, read_affinity};

/// The container that sends.
pub(super) const MAIN: &str = "broadcast";

/// The volume with the wallet, and where it is.
const WALLET: &str = "wallet";
const WALLET_DIR: &str = "/var/lib/wallet";

/// The volume with the program that starts the wallet, and where it is.
const LAUNCH: &str = "launch";
const LAUNCH_DIR: &str = "/launch";

/// Where a service mesh's container beside those here is told to end: Istio's, Linkerd's. One that Kubernetes itself knows
/// for a sidecar ends without.
const SIDECARS: [&str; 2] =
    ["http://127.0.0.1:15020/quitquitquit", "http://127.0.0.1:4191/shutdown"];

/// How long the last write of the report may take once the pod is stopped.
const GRACE: i64 = 30;

pub(super) fn template(broadcast: &ValidBroadcast) -> PodTemplateSpec {
    let owner = &broadcast.owner;
    let scheduling = broadcast.scheduling.clone();
    let spec = PodSpec {
        restart_policy: Some("Never".to_owned()),
        service_account_name: Some(account_name(owner)),
        // Only the container that writes the report has the account's token.
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(GRACE),
        node_selector: (!scheduling.node_selector.is_empty()).then_some(scheduling.node_selector),
        tolerations: (!scheduling.tolerations.is_empty()).then_some(scheduling.tolerations),
        affinity: read_affinity(scheduling.affinity.as_ref()),
        init_containers: Some(vec![launcher(broadcast), wallet(broadcast)]),
        containers: vec![main(broadcast)],
        volumes: Some(vec![volume(LAUNCH, "16Mi"), volume(WALLET, "128Mi"), token_volume()]),
        ..PodSpec::default()
    };
    let mut labels = labels(owner);
    if is_through_mixnet(broadcast) {
        labels.extend([owned((WALLET_LABEL, THROUGH_MIXNET))]);
    }
    every_pod(&broadcast.pods, labels, spec)
}

/// Puts `mixbed-launch` where the wallet's container finds it: the image with the wallet may have any
/// version of Monero and has no shell, so what starts the wallet there has to be brought.
fn launcher(broadcast: &ValidBroadcast) -> Container {
    Container {
        command: Some(vec!["/usr/bin/mixbed-launch".to_owned()]),
        args: Some(vec!["copy".to_owned(), LAUNCH_DIR.to_owned()]),
        resources: Some(amounts::LAUNCH.at_least(None, &broadcast.pods.at_least)),
        volume_mounts: Some(vec![mount(LAUNCH, LAUNCH_DIR, false)]),
        ..container(broadcast, "launcher", &broadcast.images.mixbed)
    }
}

/// monero-wallet-rpc, started first and ended last. Nobody but the container beside it reaches it,
/// so there is nothing that a probe could ask.
fn wallet(broadcast: &ValidBroadcast) -> Container {
    let daemon = if is_through_mixnet(broadcast) {
        format!("127.0.0.1:{WALLET_DAEMON_PORT}")
    } else {
        format!("{}:{MONEROD_PORT}", names(broadcast).provider_pod(0))
    };
    let args = [
        "run".to_owned(),
        "/usr/bin/monero-wallet-rpc".to_owned(),
        "--rpc-bind-ip=127.0.0.1".to_owned(),
        format!("--rpc-bind-port={WALLET_PORT}"),
        "--disable-rpc-login".to_owned(),
        "--rpc-ssl=disabled".to_owned(),
        "--daemon-ssl=disabled".to_owned(),
        "--trusted-daemon".to_owned(),
        "--no-dns".to_owned(),
        "--log-level=0".to_owned(),
        format!("--wallet-dir={WALLET_DIR}"),
        format!("--shared-ringdb-dir={WALLET_DIR}/ring"),
        format!("--log-file={WALLET_DIR}/wallet.log"),
        "--max-log-file-size=1048576".to_owned(),
        "--max-log-files=1".to_owned(),
        format!("--daemon-address={daemon}"),
    ];
    Container {
        command: Some(vec![format!("{LAUNCH_DIR}/mixbed-launch")]),
        args: Some(args.into()),
        env: Some(vec![variable("HOME", WALLET_DIR)]),
        restart_policy: Some("Always".to_owned()),
        resources: Some(
            amounts::WALLET
                .at_least(broadcast.spec.wallet.resources.as_ref(), &broadcast.pods.at_least),
        ),
        volume_mounts: Some(vec![
            mount(LAUNCH, LAUNCH_DIR, true),
            mount(WALLET, WALLET_DIR, false),
        ]),
        ..container(broadcast, "wallet", &broadcast.images.monero)
    }
}

fn main(broadcast: &ValidBroadcast) -> Container {
    let names = names(broadcast);
    let (owner, spec) = (&broadcast.owner, &broadcast.spec);
    let monerod = if is_through_mixnet(broadcast) {
        format!("--monero-rpc=127.0.0.1:{WALLET_DAEMON_PORT}")
    } else {
        let url = |number| format!("http://{}:{MONEROD_PORT}", names.provider_pod(number));
        let urls: Vec<_> = (0..broadcast.monerods).map(url).collect();
        format!("--monerod={}", urls.join(","))
    };
    let mut args = vec![
        "run-broadcast".to_owned(),
        format!("--network={}", spec.mixnet),
        format!(
            "--directory=mixbed://{}.{}.svc:{DIRECTORY_PORT}",
            names.directory(),
            owner.namespace()
        ),
        format!("--authority-key={}", broadcast.authority_key),
        format!("--wallet=http://127.0.0.1:{WALLET_PORT}"),
        format!("--miner=http://{}:{MINER_PORT}", names.miner()),
        monerod,
        format!("--transactions={}", spec.transactions),
        format!("--rate={}", spec.rate),
        format!("--deadline={}", spec.deadline),
        format!("--began={}", broadcast.created.0),
        format!("--traced={}", spec.traced),
        format!("--report-config-map={}", report_name(owner)),
        format!("--run-secret={}", run_name(owner)),
    ];
    args.extend(broadcast.otlp.iter().map(|url| format!("--otlp={url}")));
    args.extend(SIDECARS.map(|url| format!("--end-sidecar={url}")));
    Container {
        args: Some(args),
        env: Some(vec![
            field("POD_NAME", "metadata.name"),
            field("POD_NAMESPACE", "metadata.namespace"),
            variable(
                "OTEL_RESOURCE_ATTRIBUTES",
                "k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE)",
            ),
        ]),
        resources: Some(
            amounts::BROADCAST.at_least(spec.resources.as_ref(), &broadcast.pods.at_least),
        ),
        volume_mounts: Some(vec![token_mount()]),
        ..container(broadcast, MAIN, &broadcast.images.mixbed)
    }
}

fn is_through_mixnet(broadcast: &ValidBroadcast) -> bool {
    broadcast.spec.wallet.through == WalletWay::Mixnet
}

fn names(broadcast: &ValidBroadcast) -> Names<'_> {
    Names(&broadcast.spec.mixnet)
}

fn container(broadcast: &ValidBroadcast, name: &str, image: &str) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: broadcast.images.policy.clone(),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

/// An empty folder for as long as the pod lives.
fn volume(name: &str, limit: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(limit.to_owned())),
            medium: None,
        }),
        ..Volume::default()
    }
}

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

fn variable(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.to_owned()), value_from: None }
}

fn field(name: &str, path: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: Some("v1".to_owned()),
                field_path: path.to_owned(),
            }),
            ..EnvVarSource::default()
        }),
    }
}
