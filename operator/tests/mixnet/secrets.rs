use std::collections::BTreeSet;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use mixbed_operator::child::{Child, OnlyIf};
use mixbed_operator::mixnet::NetworkSecrets;
use mixbed_operator::mixnet::build::build;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::{drawn, find, spec, valid};

/// The Secrets among these objects, as a cluster holds them.
fn stored(children: &[Child]) -> Vec<Secret> {
    let secrets = children.iter().filter(|child| child.kind() == "Secret");
    let stored = secrets.map(|child| {
        let mut secret: Secret = child.object.clone().try_parse().expect("a Secret");
        secret.metadata.resource_version = Some("7".to_owned());
        secret
    });
    stored.collect()
}

fn entry(secret: &Secret, name: &str) -> String {
    let entry = secret.data.as_ref().and_then(|data| data.get(name));
    String::from_utf8(entry.unwrap_or_else(|| panic!("{name} is there")).0.clone()).expect("text")
}

fn named<'a>(secrets: &'a [Secret], name: &str) -> &'a Secret {
    let found = secrets.iter().find(|secret| secret.metadata.name.as_deref() == Some(name));
    found.expect("a Secret")
}

#[test]
fn what_is_there_stays_and_what_is_missing_is_drawn() {
    let small = valid("net", spec("{}"));
    let first = drawn(&small, &[]);
    assert_eq!(first.drawn(), 3 + 10);
    let before = stored(&build(&small, &first));

    let large = valid("net", spec("{mixes: {perLayer: 3}}"));
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let more = NetworkSecrets::complete(&large, &before, &mut rng).expect("good");
    assert_eq!(more.drawn(), 3, "one a layer");
    assert_eq!(more.authority_key(), first.authority_key());
    let after = stored(&build(&large, &more));
    for secret in &before {
        let now = named(&after, secret.metadata.name.as_deref().expect("a name"));
        for (name, value) in secret.data.iter().flatten() {
            assert_eq!(now.data.as_ref().and_then(|data| data.get(name)), Some(value));
        }
    }

    // Those of a pod that is gone are kept for its return.
    let again = NetworkSecrets::complete(&small, &after, &mut rng).expect("good");
    assert_eq!(again.drawn(), 0);
    let last = stored(&build(&small, &again));
    assert!(entry(named(&last, "net-mix-1-keys"), "net-mix-1-2").starts_with("identity "));
}

#[test]
fn secrets_are_written_only_over_what_was_looked_at() {
    let mixnet = valid("net", spec("{}"));
    let children = build(&mixnet, &drawn(&mixnet, &[]));
    let secret = |children: &[Child], name: &str| find(children, "Secret", name).only_if.clone();
    for name in ["net-network", "net-gateway-keys", "net-mix-3-keys", "net-provider-keys"] {
        assert_eq!(secret(&children, name), OnlyIf::Absent);
    }
    let found = stored(&children);
    let children = build(&mixnet, &drawn(&mixnet, &found));
    for name in ["net-network", "net-gateway-keys"] {
        assert_eq!(secret(&children, name), OnlyIf::Version("7".to_owned()));
    }
    let state = find(&children, "Secret", "net-directory-state");
    assert_eq!(state.only_if, OnlyIf::Any);
    assert!(state.object.data.get("data").is_none(), "what is in it is the directory's");
    let others = children.iter().filter(|child| child.kind() != "Secret");
    assert!(others.into_iter().all(|child| child.only_if == OnlyIf::Any));
}

#[test]
fn keys_are_as_nodes_read_them_and_none_is_twice() {
    let mixnet = valid("net", spec("{mixes: {perLayer: 20}}"));
    let secrets = stored(&build(&mixnet, &drawn(&mixnet, &[])));
    let mut seen = BTreeSet::new();
    for set in mixnet.sets() {
        let secret = named(&secrets, &set.keys_secret());
        for pod in set.pod_names() {
            let text = entry(secret, &pod);
            let lines: Vec<_> = text.lines().map(|line| line.split_once(' ')).collect();
            let [Some(("identity", identity)), Some(("link", link))] = lines[..] else {
                panic!("two keys for {pod}");
            };
            for key in [identity, link] {
                assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
                assert!(seen.insert(key.to_owned()), "{pod}");
            }
        }
    }
    assert_eq!(seen.len(), 2 * (2 + 60 + 2));
}

#[test]
fn what_others_own_is_not_taken_for_ours() {
    let mixnet = valid("net", spec("{}"));
    let mut foreign = stored(&build(&mixnet, &drawn(&mixnet, &[])));
    for secret in &mut foreign {
        secret.metadata.owner_references = None;
    }
    let secrets = drawn(&mixnet, &foreign);
    assert_eq!(secrets.drawn(), 13);
    let children = build(&mixnet, &secrets);
    assert_eq!(find(&children, "Secret", "net-network").only_if, OnlyIf::Absent);
}

#[test]
fn a_secret_that_somebody_changed_is_named_and_never_shown() {
    let mixnet = valid("net", spec("{}"));
    let good = stored(&build(&mixnet, &drawn(&mixnet, &[])));
    for (name, value) in ["authority.key", "admin.key", "join-secret"].map(|name| (name, "hunter2"))
    {
        let mut changed = good.clone();
        for secret in &mut changed {
            if let Some(entry) = secret.data.as_mut().and_then(|data| data.get_mut(name)) {
                *entry = ByteString(value.into());
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let error = NetworkSecrets::complete(&mixnet, &changed, &mut rng).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("net-network"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let secrets = drawn(&mixnet, &good);
    let join = entry(named(&good, "net-network"), "join-secret");
    assert_eq!(secrets.join_secret().expose(), join.as_bytes());
    assert!(!format!("{secrets:?}").contains(&join));
}

/// Nodes read the network's Secret once: another one makes them start again; more keys do not.
#[test]
fn another_join_secret_makes_pods_anew() {
    let mixnet = valid("net", spec("{}"));
    let found = stored(&build(&mixnet, &drawn(&mixnet, &[])));
    let checksum = |secrets: &NetworkSecrets| {
        let children = build(&mixnet, secrets);
        let template = &find(&children, "StatefulSet", "net-mix-1").object.data["spec"]["template"];
        template["metadata"]["annotations"]["mixbed.dev/network-secret"].clone()
    };
    let before = checksum(&drawn(&mixnet, &found));
    assert!(before.as_str().is_some_and(|text| text.len() == 32));
    let without_keys: Vec<_> = found.iter().take(1).cloned().collect();
    assert_eq!(checksum(&drawn(&mixnet, &without_keys)), before);
    let mut other = found;
    for secret in &mut other {
        if let Some(entry) = secret.data.as_mut().and_then(|data| data.get_mut("join-secret")) {
            *entry = ByteString(b"another secret of many bytes".to_vec());
        }
    }
    assert_ne!(checksum(&drawn(&mixnet, &other)), before);
}
