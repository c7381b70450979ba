//! Tests of the document as a whole.

mod bytes;
mod fields;
mod trust;

use std::time::{Duration, SystemTime};

use mixbed_wire::{LinkPublic, SphinxPublic};

use super::{Descriptor, Document, Parameters, Role, SignedDocument, SphinxKey, Trust};
use crate::identity::IdentitySecret;
use crate::time::from_millis;

pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn secret(seed: u8) -> IdentitySecret {
    IdentitySecret::from_bytes([seed; 32])
}

pub(super) fn node(seed: u8, role: Role) -> Descriptor {
    Descriptor {
        name: format!("node-{seed}"),
        identity: secret(seed).public(),
        role,
        link_key: LinkPublic::from_bytes([seed; 32]),
        address: format!("10.0.0.{seed}:9000"),
        sphinx_keys: vec![SphinxKey { epoch: 1, key: SphinxPublic::from_bytes([seed; 32]) }],
        services: Vec::new(),
        version: "0.1.0".to_owned(),
    }
}

pub(super) fn start() -> SystemTime {
    from_millis(1_700_000_000_000).unwrap()
}

/// A complete network of five nodes, valid from [`start`] for four hours.
pub(super) fn document() -> Document {
    let roles = [Role::Gateway, Role::Provider].into_iter();
    let roles = roles.chain((1..=3).map(|layer| Role::Mix { layer }));
    let mut nodes: Vec<_> = (1..).zip(roles).map(|(seed, role)| node(seed, role)).collect();
    nodes.sort_by_key(Descriptor::id);
    Document {
        network: "testnet".to_owned(),
        epoch: 7,
        revision: 9,
        valid_from: start(),
        epoch_end: start() + HOUR,
        valid_until: start() + 4 * HOUR,
        parameters: Parameters::default(),
        nodes,
    }
}

pub(super) fn authority() -> IdentitySecret {
    secret(99)
}

pub(super) fn trust() -> Trust {
    Trust::single("testnet", authority().public())
}

pub(super) fn signed() -> SignedDocument {
    SignedDocument::sign(&document(), &[&authority()]).unwrap()
}
