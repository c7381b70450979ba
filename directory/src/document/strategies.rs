//! Random valid values of the document's types, for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use mixbed_wire::{LinkPublic, SphinxPublic};
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

use super::{Descriptor, Document, Parameters, Rates, Role, SphinxKey};
use crate::identity::IdentitySecret;
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
                services: match role {
                    Role::Provider => services.into_iter().collect(),
                    _ => Vec::new(),
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
    (0..=60_000_000_u64, any::<bool>(), 1_000..=86_400_000_u64, rates).prop_map(
        |(delay, tracing_allowed, length, rates)| Parameters {
            mean_hop_delay: Duration::from_micros(delay),
            tracing_allowed,
            epoch_length: Duration::from_millis(length),
            rates,
        },
    )
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
