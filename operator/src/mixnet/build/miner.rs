//! The miner.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::pod::{container, probed, template};
use super::ports::{MINER_HTTP, MINER_PROBES, MONEROD_P2P, MONEROD_RPC};
use super::{Plan, amounts};
use crate::child::{Child, matching};

/// The only one that mines: two at once would make forks, so a new one waits for the old one's
/// end.
pub(super) fn miner(plan: Plan) -> Child {
    let names = plan.names();
    let (providers, settings) = (&plan.mixnet.spec.providers, &plan.mixnet.spec.miner);
    let monerod = |number| format!("http://{}:{}", names.provider_pod(number), MONEROD_RPC.number);
    let monerods: Vec<_> = (0..providers.replicas).map(monerod).collect();
    let mut args = vec![
        "miner".to_owned(),
        format!("--monerod={}", monerods.join(",")),
        format!("--http=0.0.0.0:{}", MINER_HTTP.number),
        format!("--probes=0.0.0.0:{}", MINER_PROBES.number),
        format!("--name={}", names.miner()),
        format!("--block-time={}", providers.block_time),
    ];
    if providers.replicas == 1 {
        args.push(format!("--alone={}:{}", names.provider_pod(0), MONEROD_P2P.number));
    }
    let miner = Container {
        args: Some(args),
        ports: Some(vec![MINER_HTTP.container(), MINER_PROBES.container()]),
        resources: Some(amounts::MINER.at_least(settings.resources.as_ref(), plan.least())),
        ..container(plan, "miner", &plan.mixnet.images.mixbed)
    };
    let pod = PodSpec {
        containers: vec![probed(miner, MINER_PROBES, "/healthz", "/readyz")],
        termination_grace_period_seconds: Some(10),
        ..PodSpec::default()
    };
    let selector = plan.owner().selector("miner");
    let labels = plan.labels("miner");
    Child::of(&Deployment {
        metadata: plan.owner().metadata(names.miner(), plan.labels("miner")),
        spec: Some(DeploymentSpec {
            replicas: Some(1),
            strategy: Some(DeploymentStrategy {
                type_: Some("Recreate".to_owned()),
                rolling_update: None,
            }),
            revision_history_limit: Some(2),
            selector: matching(selector.clone()),
            template: template(plan, labels, selector, settings, pod),
            ..DeploymentSpec::default()
        }),
        status: None,
    })
}
