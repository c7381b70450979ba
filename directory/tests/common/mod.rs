//! What the integration tests share.

#![allow(dead_code, reason = "each test file is its own program and uses a part")]
#![allow(clippy::unwrap_used, reason = "test code")]

use std::time::Duration;

use mixbed_directory::{
    Authority, AuthorityConfig, Descriptor, Follower, FollowerConfig, FollowerState,
    IdentitySecret, JoinSecret, Registrar, RegistrarConfig, RegistrarState, Role, SphinxKey, Trust,
};
use mixbed_wire::{LinkPublic, SphinxPublic};

/// Longer than anything takes; only a test that fails waits this long.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) const NETWORK: &str = "testnet";

pub(crate) fn join_secret() -> JoinSecret {
    JoinSecret::new("the secret of all these tests").unwrap()
}

pub(crate) fn admin() -> IdentitySecret {
    identity(77)
}

/// Every authority of these tests has the same key.
pub(crate) fn trust() -> Trust {
    Trust::single(NETWORK, identity(99).public())
}

pub(crate) fn config() -> AuthorityConfig {
    AuthorityConfig {
        signing_key: Some(identity(99)),
        admins: vec![admin().public()],
        ..AuthorityConfig::new(NETWORK, join_secret())
    }
}

pub(crate) async fn authority() -> Authority {
    Authority::start(config()).await.unwrap()
}

pub(crate) fn identity(seed: u8) -> IdentitySecret {
    IdentitySecret::from_bytes([seed; 32])
}

pub(crate) fn descriptor(name: &str, seed: u8, role: Role) -> Descriptor {
    Descriptor {
        name: name.to_owned(),
        identity: identity(seed).public(),
        role,
        link_key: LinkPublic::from_bytes([seed; 32]),
        address: format!("127.0.0.1:{}", 9000 + u16::from(seed)),
        sphinx_keys: vec![SphinxKey { epoch: 1, key: SphinxPublic::from_bytes([seed; 32]) }],
        services: match role {
            Role::Provider => vec!["echo".to_owned()],
            _ => vec![],
        },
        version: "0.1.0".to_owned(),
    }
}

pub(crate) fn gateway(seed: u8) -> Descriptor {
    descriptor(&format!("gateway-{seed}"), seed, Role::Gateway)
}

/// The smallest network that routes can be built in.
pub(crate) fn small_network() -> Vec<(u8, Descriptor)> {
    let mut seed = 10;
    let mut node = |name: &str, role| {
        seed += 1;
        (seed, descriptor(name, seed, role))
    };
    vec![
        node("gateway-0", Role::Gateway),
        node("mix-1-0", Role::Mix { layer: 1 }),
        node("mix-2-0", Role::Mix { layer: 2 }),
        node("mix-3-0", Role::Mix { layer: 3 }),
        node("provider-0", Role::Provider),
    ]
}

pub(crate) fn registrar_config(url: &str, seed: u8) -> RegistrarConfig {
    RegistrarConfig {
        url: url.to_owned(),
        trust: trust(),
        identity: identity(seed),
        join_secret: Some(join_secret()),
    }
}

pub(crate) fn registrar(url: &str, seed: u8, descriptor: Descriptor) -> Registrar {
    Registrar::start(registrar_config(url, seed), descriptor).unwrap()
}

pub(crate) fn follower(authority: &Authority) -> Follower {
    Follower::start(FollowerConfig::new(authority.url(), authority.trust())).unwrap()
}

/// Waits until the follower's state satisfies a condition.
pub(crate) async fn state_of(
    follower: &Follower,
    condition: impl Fn(&FollowerState) -> bool,
) -> FollowerState {
    let mut follower = follower.clone();
    let reached = async {
        while !condition(&follower.state()) {
            follower.changed().await;
        }
    };
    let in_time = tokio::time::timeout(SOON, reached).await;
    assert!(in_time.is_ok(), "still {:?}", follower.state());
    follower.state()
}

/// Waits until the registrar's state satisfies a condition.
pub(crate) async fn standing_of(
    registrar: &Registrar,
    condition: impl Fn(&RegistrarState) -> bool,
) -> RegistrarState {
    let mut states = registrar.watch();
    let reached = tokio::time::timeout(SOON, states.wait_for(condition)).await;
    let Ok(state) = reached else { panic!("still {:?}", registrar.state()) };
    state.unwrap().clone()
}
