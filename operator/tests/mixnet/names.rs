use std::collections::BTreeSet;

use mixbed_operator::api::MixnetSpec;
use mixbed_operator::mixnet::build::build;
use proptest::prelude::*;

use crate::{drawn, valid};

fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_name(name)
}

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (1..=253).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes[bytes.len() - 1].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Names of objects, of the pods that they make, and labels are what Kubernetes takes,
    /// whatever the Mixnet's name and size.
    #[test]
    fn all_names_are_within_limits(
        name in "[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
        gateways in 1..=50_i32,
        mixes in 1..=100_i32,
        providers in 1..=10_i32,
    ) {
        let mut spec = MixnetSpec::default();
        spec.gateways.replicas = gateways;
        spec.mixes.per_layer = mixes;
        spec.providers.replicas = providers;
        let mixnet = valid(&name, spec);
        let children = build(&mixnet, &drawn(&mixnet, &[]));
        let mut seen = BTreeSet::new();
        for child in &children {
            let object = child.name().to_owned();
            // Those that have the Mixnet's uid behind them are in no label and no host's name.
            let unique = object.ends_with("-00000000-0000-0000-0000-000000000001");
            prop_assert!(if unique { is_name(&object) } else { is_label(&object) }, "{object}");
            prop_assert!(object.starts_with(&name) && child.namespace() == "space");
            prop_assert!(mixnet.owner.controls(&child.object.metadata));
            prop_assert!(seen.insert((child.kind().to_owned(), object.clone())), "{object} twice");
            for value in child.object.metadata.labels.iter().flatten().map(|(_, value)| value) {
                prop_assert!(value.len() <= 63, "{value}");
            }
            let longest = match child.kind() {
                // The label of a revision: the name, - and ten digits.
                "StatefulSet" => object.len() + 11,
                // The pod: the name, - and ten digits, - and five.
                "Deployment" => object.len() + 17,
                _ => 0,
            };
            prop_assert!(longest <= 63, "{object}");
        }
        for set in mixnet.sets() {
            for pod in set.pod_names() {
                prop_assert!(is_label(&pod), "{pod}");
            }
        }
        // A Service's address goes into variables and probes; the longest is still a host's name.
        let directory = format!("{name}-directory.space.svc");
        prop_assert!(directory.len() <= 253);
    }
}
