//! A provider's monerod: a regtest chain, shared with those of the other providers.

use k8s_openapi::api::core::v1::{ConfigMap, ConfigMapVolumeSource, Container, Volume};

use super::pod::{container, mount, probed, variable};
use super::ports::{MONEROD_P2P, MONEROD_RPC};
use super::{Plan, amounts};
use crate::api::MONEROD_RESTRICTED_PORT;
use crate::child::Child;

/// Where each monerod's own file with its peers is.
const PEERS_DIR: &str = "/etc/monerod";
/// Where its chain is.
const DATA_DIR: &str = "/var/lib/monerod";
/// The volume with the chain.
pub(super) const CHAIN: &str = "chain";
/// The volume with the files.
const PEERS: &str = "peers";

/// The peers of each monerod, in a file of its own. A monerod reads it when it starts: whoever
/// comes later dials those that are there, and nothing restarts when their number changes.
pub(super) fn peers(plan: Plan) -> Child {
    let replicas = plan.mixnet.spec.providers.replicas;
    let names = plan.names();
    let file = |own: i32| {
        let others = (0..replicas).filter(|other| *other != own).map(|other| {
            // monerod takes a name without a dot for one without a port.
            let (name, namespace) = (names.provider_pod(other), plan.owner().namespace());
            format!("add-exclusive-node={name}.{namespace}.svc:{}\n", MONEROD_P2P.number)
        });
        let others: String = others.collect();
        // One alone dials itself, which is refused, rather than Monero's seeds; and is not offline,
        // or it would have to start anew when it gets peers. The miner greets it.
        let itself = || format!("add-exclusive-node=127.0.0.1:{}\n", MONEROD_P2P.number);
        let content = if others.is_empty() { itself() } else { others };
        (format!("{}.conf", names.provider_pod(own)), content)
    };
    Child::of(&ConfigMap {
        metadata: plan.owner().metadata(peers_map(plan), plan.labels("provider")),
        data: Some((0..replicas).map(file).collect()),
        ..ConfigMap::default()
    })
}

fn peers_map(plan: Plan) -> String {
    plan.owner().unique(&plan.names().monerod())
}

/// The volume with the peers.
pub(super) fn peers_volume(plan: Plan) -> Volume {
    Volume {
        name: PEERS.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: peers_map(plan),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// The container: it starts before its provider, and ends after it, so that what the provider
/// still gets while it drains is submitted.
pub(super) fn monerod(plan: Plan) -> Container {
    let args = [
        "--regtest".to_owned(),
        "--fixed-difficulty=1".to_owned(),
        "--keep-fakechain".to_owned(),
        "--non-interactive".to_owned(),
        "--no-igd".to_owned(),
        "--no-zmq".to_owned(),
        "--disable-rpc-ban".to_owned(),
        "--rpc-ssl=disabled".to_owned(),
        // All clients of a provider come from one address: 25 would be too few.
        "--rpc-max-connections-per-private-ip=256".to_owned(),
        "--rpc-max-connections=512".to_owned(),
        "--disable-dns-checkpoints".to_owned(),
        "--check-updates=disabled".to_owned(),
        "--max-concurrency=1".to_owned(),
        "--prep-blocks-threads=1".to_owned(),
        format!("--data-dir={DATA_DIR}"),
        format!("--log-file={DATA_DIR}/monerod.log"),
        "--max-log-file-size=1048576".to_owned(),
        "--max-log-files=1".to_owned(),
        "--log-level=0".to_owned(),
        "--p2p-bind-ip=0.0.0.0".to_owned(),
        format!("--p2p-bind-port={}", MONEROD_P2P.number),
        "--rpc-bind-ip=0.0.0.0".to_owned(),
        format!("--rpc-bind-port={}", MONEROD_RPC.number),
        "--rpc-restricted-bind-ip=127.0.0.1".to_owned(),
        format!("--rpc-restricted-bind-port={MONEROD_RESTRICTED_PORT}"),
        "--confirm-external-bind".to_owned(),
        "--hide-my-port".to_owned(),
        format!("--config-file={PEERS_DIR}/$(POD_NAME).conf"),
    ];
    let mut env = super::pod::identity();
    env.retain(|variable| variable.name == "POD_NAME");
    // 285 MiB instead of 338: the C library gives back what is freed.
    env.push(variable("MALLOC_MMAP_THRESHOLD_", "65536"));
    let monerod = Container {
        args: Some(args.into()),
        env: Some(env),
        ports: Some(vec![MONEROD_RPC.container(), MONEROD_P2P.container()]),
        resources: Some(
            amounts::MONEROD
                .at_least(plan.mixnet.spec.providers.monerod.resources.as_ref(), plan.least()),
        ),
        restart_policy: Some("Always".to_owned()),
        volume_mounts: Some(vec![mount(CHAIN, DATA_DIR, false), mount(PEERS, PEERS_DIR, true)]),
        ..container(plan, "monerod", &plan.mixnet.images.monero)
    };
    probed(monerod, MONEROD_RPC, "/get_info", "/get_info")
}
