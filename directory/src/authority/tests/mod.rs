//! Tests of the authority's core and its store, with the time as an argument.

mod admission;
mod documents;
mod encoding;
mod listed;
mod orders;
mod persistence;
mod several;

use std::time::{Duration, SystemTime};

use mixbed_wire::{LinkPublic, SphinxPublic};

use super::{Core, CoreConfig, DEBOUNCE, Registered};
use crate::admission::Admission;
use crate::document::{Descriptor, Document, Parameters, Role, SphinxKey};
use crate::identity::IdentitySecret;
use crate::join::JoinSecret;
use crate::messages::{Departure, Registration, Rejection};
use crate::time::from_millis;

pub(super) const NETWORK: &str = "testnet";
pub(super) const LEASE: Duration = Duration::from_secs(60);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn start() -> SystemTime {
    from_millis(1_700_000_000_000).unwrap()
}

pub(super) fn join_secret() -> JoinSecret {
    JoinSecret::new("the secret of the test network").unwrap()
}

pub(super) fn config() -> CoreConfig {
    CoreConfig {
        network: NETWORK.to_owned(),
        join_secrets: vec![join_secret()],
        admission: Admission::Open,
        admins: vec![admin().public()],
        parameters: Parameters::default(),
        lease: LEASE,
    }
}

pub(super) fn core() -> Core {
    let mut core = Core::new(config(), secret(99), start());
    core.poll(start()).unwrap();
    core
}

pub(super) fn secret(seed: u8) -> IdentitySecret {
    IdentitySecret::from_bytes([seed; 32])
}

/// The key whose orders [`config`]'s directory carries out.
pub(super) fn admin() -> IdentitySecret {
    secret(77)
}

pub(super) fn node(seed: u8) -> Descriptor {
    Descriptor {
        name: format!("gateway-{seed}"),
        identity: secret(seed).public(),
        role: Role::Gateway,
        link_key: LinkPublic::from_bytes([seed; 32]),
        address: format!("10.0.0.{seed}:9000"),
        sphinx_keys: vec![SphinxKey { epoch: 1, key: SphinxPublic::from_bytes([seed; 32]) }],
        services: Vec::new(),
        version: String::new(),
    }
}

/// The registration of a descriptor, made by the identity of a seed.
pub(super) fn registration(seed: u8, node: Descriptor, issued_at: SystemTime) -> Registration {
    Registration::new(node, NETWORK, issued_at, &secret(seed), Some(&join_secret()))
}

pub(super) fn register(
    core: &mut Core,
    seed: u8,
    node: Descriptor,
    now: SystemTime,
) -> Result<Registered, Rejection> {
    core.handle_register(&registration(seed, node, now), now)
}

pub(super) fn leave(
    core: &mut Core,
    seed: u8,
    now: SystemTime,
) -> Result<Option<Descriptor>, Rejection> {
    core.handle_unregister(&Departure::new(NETWORK, now, &secret(seed)), now)
}

/// Polls once everything that was changed is due, and says what the document is then.
pub(super) fn settled(core: &mut Core, now: SystemTime) -> Document {
    core.poll(now + DEBOUNCE).unwrap();
    newest(core)
}

pub(super) fn newest(core: &Core) -> Document {
    Document::clone(&core.documents().back().unwrap().document)
}

pub(super) fn names(document: &Document) -> Vec<&str> {
    let mut names: Vec<_> = document.nodes.iter().map(|node| node.name.as_str()).collect();
    names.sort_unstable();
    names
}
