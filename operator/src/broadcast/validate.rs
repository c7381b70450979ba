//! Whether a Broadcast can be run on its Mixnet now.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{Broadcast, BroadcastSpec, EveryPod, Mixnet, Scheduling, is_true};
use crate::child::Owner;
use crate::mixnet::{Defaults, Problems, PullImages, check_images};
use crate::problem::Problem;

/// A Broadcast that can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidBroadcast {
    /// What makes the objects its own.
    pub owner: Owner,
    /// Its spec.
    pub spec: BroadcastSpec,
    /// Since when its deadline counts.
    pub created: Time,
    /// The images of its pod.
    pub images: PullImages,
    /// The key of its Mixnet's directory.
    pub authority_key: String,
    /// How many monerods its Mixnet has.
    pub monerods: i32,
    /// Where its spans go.
    pub otlp: Option<String>,
    /// Where its pod runs.
    pub scheduling: Scheduling,
    /// What its pod has as every pod of its Mixnet.
    pub pods: EveryPod,
}

/// Looks whether it can be run: whether its Mixnet has what its pod has to be told.
pub fn validate(
    broadcast: &Broadcast,
    mixnet: &Mixnet,
    defaults: &Defaults,
) -> Result<ValidBroadcast, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut problem = |path: &str, what: String, remedy: &str| {
        problems.push(Problem::new(path, what, remedy));
    };
    let spec = broadcast.spec.clone();
    let owner = Owner::new(broadcast, &spec.mixnet);
    let created = broadcast.metadata.creation_timestamp.clone();
    if owner.is_none() || created.is_none() {
        problem("metadata", "it was never in a cluster".to_owned(), "make it in one first");
    }
    let status = mixnet.status.clone().unwrap_or_default();
    if !is_true(&status.conditions, "Ready") {
        let how = format!("Mixnet {} is not Ready: {}", spec.mixnet, status.message);
        problem("spec.mixnet", how, "it is waited for");
    }
    if status.authority_key.is_none() {
        let how = format!("Mixnet {} has no directory's key yet", spec.mixnet);
        problem("spec.mixnet", how, "it is waited for");
    }
    // Again: the spec may have changed since its Mixnet was ready.
    let mut wrong = Problems::default();
    let images = check_images(&mixnet.spec.images, &defaults.installation, &mut wrong);
    problems.extend(wrong.0);
    match (owner, created, status.authority_key, images) {
        (Some(owner), Some(created), Some(authority_key), Some(images)) if problems.is_empty() => {
            Ok(ValidBroadcast {
                owner,
                spec,
                created,
                images,
                authority_key,
                monerods: mixnet.spec.providers.replicas,
                otlp: mixnet.spec.tracing.otlp.clone(),
                scheduling: defaults.scheduling(&mixnet.spec),
                pods: defaults.pods(&mixnet.spec).pulling(&defaults.account_secrets),
            })
        }
        _ => Err(problems),
    }
}
