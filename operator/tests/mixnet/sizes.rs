use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use mixbed_operator::mixnet::build::amounts::OPERATOR;
use mixbed_operator::mixnet::quantity::thousandths;

use crate::{containers, objects, pod, spec};

/// All that a default net asks for, its operator included, in thousandths.
fn sum(yaml: &str, resource: &str) -> u128 {
    let operator = if resource == "cpu" { OPERATOR.cpu } else { OPERATOR.memory };
    let mut sum = thousandths(&Quantity(operator.to_owned())).expect("an amount");
    for child in objects(spec(yaml)) {
        let Some((pod, replicas)) = pod(&child) else { continue };
        for container in containers(&pod) {
            let requests = container.resources.as_ref().and_then(|all| all.requests.as_ref());
            let amount = &requests.expect("requests")[resource];
            sum += thousandths(amount).expect("an amount") * u128::try_from(replicas).expect("few");
        }
    }
    sum
}

#[test]
fn a_default_net_fits_a_laptop() {
    let memory = sum("{}", "memory") / 1_000 / (1 << 20);
    println!("memory: {memory} MiB of requests");
    assert!(memory <= 1536, "{memory} MiB");
    assert!(memory >= 640 + 10 * 14, "less than it takes: {memory} MiB");
    let cpu = sum("{}", "cpu");
    println!("cpu: {cpu} thousandths of a core");
    assert!(cpu <= 1_000, "{cpu}m: two cores carry a cluster too");
}

#[test]
fn what_the_spec_asks_for_goes_first() {
    let before = sum("{}", "memory");
    let more = sum("{mixes: {resources: {requests: {memory: 88Mi}}}}", "memory");
    assert_eq!((more - before) / 1_000 / (1 << 20), 6 * (88 - 24));
}
