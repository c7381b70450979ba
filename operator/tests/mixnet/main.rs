//! What is built from which Mixnet.

mod golden;
mod names;
mod policies;
mod restarts;
mod secrets;
mod security;
mod sizes;

use k8s_openapi::api::core::v1::{Container, PodSpec, Secret};
use mixbed_operator::api::{Mixnet, MixnetSpec};
use mixbed_operator::child::Child;
use mixbed_operator::mixnet::build::build;
use mixbed_operator::mixnet::{DefaultImages, Defaults, NetworkSecrets, ValidMixnet, validate};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;

const SEED: u64 = 5;

fn valid(name: &str, spec: MixnetSpec) -> ValidMixnet {
    let mut mixnet = Mixnet::new(name, spec);
    mixnet.metadata.namespace = Some("space".to_owned());
    mixnet.metadata.uid = Some("00000000-0000-0000-0000-000000000001".to_owned());
    let images = DefaultImages {
        mixbed: "localhost/mixbed:0.1.0".to_owned(),
        monero: "localhost/mixbed-monero:0.1.0".to_owned(),
    };
    match validate(&mixnet, &Defaults { images, ..Defaults::default() }) {
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
