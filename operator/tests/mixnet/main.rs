//! What is built from which Mixnet.

mod golden;
mod names;
mod policies;
mod restarts;
mod rights;
mod secrets;
mod security;
mod sizes;

use k8s_openapi::api::core::v1::{Container, PodSpec, Secret};
use mixbed_operator::api::{Mixnet, MixnetSpec};
use mixbed_operator::child::Child;
use mixbed_operator::installation::Installation;
use mixbed_operator::mixnet::build::build;
use mixbed_operator::mixnet::{Defaults, NetworkSecrets, ValidMixnet, validate};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;

const SEED: u64 = 5;

fn installation() -> Installation {
    Installation {
        mixbed: "localhost/mixbed:0.1.0".to_owned(),
        monero: "localhost/mixbed-monero:0.1.0".to_owned(),
        repositories: ["mixbed", "monero", "registry.example/*"].map(str::to_owned).into(),
        ..Installation::default()
    }
}

fn valid(name: &str, spec: MixnetSpec) -> ValidMixnet {
    valid_for(&installation(), name, spec)
}

fn valid_for(installation: &Installation, name: &str, spec: MixnetSpec) -> ValidMixnet {
    let mut mixnet = Mixnet::new(name, spec);
    mixnet.metadata.namespace = Some("space".to_owned());
    mixnet.metadata.uid = Some("00000000-0000-0000-0000-000000000001".to_owned());
    let installation = installation.clone();
    match validate(&mixnet, &Defaults { installation, ..Defaults::default() }) {
        Ok(valid) => valid,
        Err(problems) => panic!("{problems:#?}"),
    }
}

fn drawn(mixnet: &ValidMixnet, found: &[Secret]) -> NetworkSecrets {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    NetworkSecrets::complete(mixnet, found, &mut rng).expect("good secrets")
}

/// All objects of the Mixnet `net` with this spec.
fn objects(spec: MixnetSpec) -> Vec<Child> {
    let mixnet = valid("net", spec);
    build(&mixnet, &drawn(&mixnet, &[]))
}

/// The same, by an operator that was installed so.
fn installed(installation: &Installation, spec: MixnetSpec) -> Vec<Child> {
    let mixnet = valid_for(installation, "net", spec);
    build(&mixnet, &drawn(&mixnet, &[]))
}

/// A spec as users write it.
fn spec(yaml: &str) -> MixnetSpec {
    serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error} in {yaml}"))
}

/// The pod that an object makes, and how many of it.
fn pod(child: &Child) -> Option<(PodSpec, i32)> {
    let spec = &child.object.data["spec"];
    let pod = spec.pointer("/template/spec")?.clone();
    let replicas = spec["replicas"].as_i64().expect("a number of replicas");
    Some((serde_json::from_value(pod).expect("a pod"), i32::try_from(replicas).expect("few")))
}

/// All containers of a pod, those that run beside it included.
fn containers(pod: &PodSpec) -> impl Iterator<Item = &Container> {
    pod.init_containers.iter().flatten().chain(&pod.containers)
}

/// The name of an object that is called so and has the Mixnet's uid behind it.
fn unique(stem: &str) -> String {
    format!("{stem}-00000000-0000-0000-0000-000000000001")
}

/// A part of an object, by its JSON pointer.
fn part<'a>(child: &'a Child, pointer: &str) -> &'a Value {
    let part = child.object.data.pointer(pointer);
    part.unwrap_or_else(|| panic!("{} {} has {pointer}", child.kind(), child.name()))
}

/// The object of this kind and name.
fn find<'a>(children: &'a [Child], kind: &str, name: &str) -> &'a Child {
    let found = children.iter().find(|child| child.kind() == kind && child.name() == name);
    found.unwrap_or_else(|| panic!("there is a {kind} {name}"))
}
