//! Random valid values of the document's types, for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use mixbed_wire::{Impairment, Latency, LinkPublic, SphinxPublic};
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

use super::impairment::{ImpairmentRule, Selector};
use super::{Descriptor, Document, Parameters, Rates, Role, SphinxKey};
use crate::identity::IdentitySecret;
use crate::limits::LAYERS;
use crate::time::from_millis;

pub(crate) fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        Just(Role::Gateway),
        (1..=3_u8).prop_map(|layer| Role::Mix { layer }),
        Just(Role::Provider),
    ]
}

/// A node and its secret; `seed` makes identity, name and link key unique.
pub(crate) fn node(seed: u64) -> impl Strategy<Value = (IdentitySecret, Descriptor)> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let secret = IdentitySecret::from_bytes(bytes);
    let address = prop_oneof!["[a-z][a-z0-9.-]{0,30}:[1-9][0-9]{0,3}", Just("[::1]:80".into())];
    let keys = btree_map(any::<u64>(), any::<[u8; 32]>(), 1..=4);
    let services = btree_set("[a-z0-9._-]{1,63}", 0..=16);
    (role(), address, keys, services, "[!-~]{0,63}").prop_map(
        move |(role, address, keys, services, version)| {
            let descriptor = Descriptor {
                name: format!("node-{seed}"),
                identity: secret.public(),
                role,
                link_key: LinkPublic::from_bytes(bytes),
                address,
                sphinx_keys: sphinx_keys(keys),
                services: if role.has_services() {
                    services.into_iter().collect()
                } else {
                    Vec::new()
                },
                version,
            };
            (secret.clone(), descriptor)
        },
    )
}

fn sphinx_keys(keys: BTreeMap<u64, [u8; 32]>) -> Vec<SphinxKey> {
    let key = |(epoch, key)| SphinxKey { epoch, key: SphinxPublic::from_bytes(key) };
    keys.into_iter().map(key).collect()
}

pub(crate) fn parameters() -> impl Strategy<Value = Parameters> {
    let rate = || 0.0..=Rates::MAX;
    let rates = (rate(), rate(), rate(), rate(), rate()).prop_map(
        |(payload, drop, client_loop, node_loop, downlink)| Rates {
            payload,
            drop,
            client_loop,
            node_loop,
            downlink,
        },
    );
    let rules = proptest::collection::vec(impairment_rule(), 0..4);
    (0..=60_000_000_u64, any::<bool>(), 1_000..=86_400_000_u64, rates, rules).prop_map(
        |(delay, tracing_allowed, length, rates, impairments)| Parameters {
            mean_hop_delay: Duration::from_micros(delay),
            tracing_allowed,
            epoch_length: Duration::from_millis(length),
            rates,
            impairments,
        },
    )
}

pub(crate) fn selector() -> impl Strategy<Value = Selector> {
    prop_oneof![
        Just(Selector::Any),
        Just(Selector::Gateway),
        Just(Selector::Mix),
        (1..=LAYERS).prop_map(Selector::Layer),
        Just(Selector::Provider),
        Just(Selector::Client),
        "[a-z][0-9-][a-z0-9-]{0,61}".prop_map(Selector::Named),
    ]
}

pub(crate) fn impairment() -> impl Strategy<Value = Impairment> {
    let time = || (0..=60_000_000_u64).prop_map(Duration::from_micros);
    let some_time = || (1..=60_000_000_u64).prop_map(Duration::from_micros);
    let latency = prop_oneof![
        Just(Latency::None),
        some_time().prop_map(Latency::Constant),
        (time(), time()).prop_map(|(mean, deviation)| Latency::Normal { mean, deviation }),
        time().prop_map(|mean| Latency::Exponential { mean }),
    ];
    let bandwidth = proptest::option::of(Impairment::MIN_BANDWIDTH..=Impairment::MAX_BANDWIDTH);
    (latency, time(), 0.0..=1.0, bandwidth, any::<bool>()).prop_map(
        |(latency, jitter, loss, bandwidth, partition)| Impairment {
            latency,
            jitter,
            loss,
            bandwidth,
            partition,
        },
    )
}

pub(crate) fn impairment_rule() -> impl Strategy<Value = ImpairmentRule> {
    let between = (selector(), selector(), impairment())
        .prop_map(|(from, to, impairment)| ImpairmentRule::between(from, to, impairment));
    let of = (selector(), impairment(), proptest::option::of(selector())).prop_map(
        |(node, impairment, only_from)| ImpairmentRule {
            only_from,
            ..ImpairmentRule::of(node, impairment)
        },
    );
    prop_oneof![between, of].prop_filter("it does something", |rule| rule.validate().is_ok())
}

pub(crate) fn document() -> impl Strategy<Value = Document> {
    let nodes = proptest::collection::vec(any::<u16>(), 0..6).prop_flat_map(|mut seeds| {
        seeds.sort_unstable();
        seeds.dedup();
        seeds.into_iter().map(|seed| node(seed.into())).collect::<Vec<_>>()
    });
    let numbers = (1..=u64::MAX, 1..=u64::MAX, 0..=4_000_000_000_000_u64);
    ("[a-z0-9-]{1,63}", numbers, 1..1000_u64, 1..1000_u64, parameters(), nodes).prop_map(
        |(network, (epoch, revision, start), length, grace, parameters, nodes)| {
            let mut nodes: Vec<_> = nodes.into_iter().map(|(_, node)| node).collect();
            nodes.sort_by_key(Descriptor::id);
            let time = |millis| from_millis(millis).unwrap();
            Document {
                network,
                epoch,
                revision,
                valid_from: time(start),
                epoch_end: time(start + length),
                valid_until: time(start + length + grace),
                parameters,
                nodes,
            }
        },
    )
}
