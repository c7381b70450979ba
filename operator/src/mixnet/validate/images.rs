//! The images.

use super::Problems;
use crate::api::Images;
use crate::installation::Installation;

/// The images that pods run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullImages {
    /// The image with `mixbed`.
    pub mixbed: String,
    /// The image with monerod and monero-wallet-rpc.
    pub monero: String,
    /// When they are fetched; nothing: as Kubernetes does it.
    pub policy: Option<String>,
}

/// Those of the spec, or else the operator's; nothing if something is wrong with them.
pub(crate) fn check(
    spec: &Images,
    installation: &Installation,
    problems: &mut Problems,
) -> Option<PullImages> {
    let mixbed =
        image("mixbed", spec.mixbed.as_deref(), &installation.mixbed, installation, problems);
    let monero =
        image("monero", spec.monero.as_deref(), &installation.monero, installation, problems);
    let policy = spec.pull_policy.clone();
    let known = ["Always", "IfNotPresent", "Never"];
    if policy.as_deref().is_some_and(|policy| !known.contains(&policy)) {
        problems.add(
            "spec.images.pullPolicy",
            format!("{:?} is no policy", policy.unwrap_or_default()),
            "write Always, IfNotPresent or Never",
        );
        return None;
    }
    Some(PullImages { mixbed: mixbed?, monero: monero?, policy })
}

fn image(
    field: &str,
    spec: Option<&str>,
    default: &str,
    installation: &Installation,
    problems: &mut Problems,
) -> Option<String> {
    let image = spec.unwrap_or(default);
    let path = format!("spec.images.{field}");
    if image.is_empty() {
        problems.add(
            path,
            "there is no image",
            "name one here, or give the operator one with the chart's value of the same name",
        );
        return None;
    }
    // As registries have them; a tag or digest may follow.
    let inside = |c: char| c.is_ascii_alphanumeric() || "./:_-@+".contains(c);
    let good = image.len() <= 255
        && image.chars().all(inside)
        && image.starts_with(|c: char| c.is_ascii_alphanumeric())
        && image.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !good {
        problems.add(
            path,
            format!("{image:?} is no image"),
            "write it like registry.example/mixbed:0.1.0",
        );
        return None;
    }
    if spec.is_some() && !installation.allows(image) {
        problems.add(
            path,
            format!("this operator runs no image {image}: its repository is none of those that it may run"),
            "name an image of the operator's own repositories, or have its administrator add the repository to the chart's value operator.allowedImages",
        );
        return None;
    }
    Some(image.to_owned())
}
