use std::collections::BTreeSet;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use mixbed_operator::child::{Child, OnlyIf};
use mixbed_operator::mixnet::NetworkSecrets;
use mixbed_operator::mixnet::build::build;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::{containers, drawn, find, objects, pod, spec, unique, valid};

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
    let name = unique(name);
    let found = secrets.iter().find(|secret| secret.metadata.name.as_deref() == Some(&name));
    found.expect("a Secret")
}

#[test]
fn what_is_there_stays_and_what_is_missing_is_drawn() {
    let small = valid("net", spec("{}"));
    let first = drawn(&small, &[]);
    assert_eq!(first.drawn(), 2 + 10);
    let before = stored(&build(&small, &first));

    let large = valid("net", spec("{mixes: {perLayer: 3}}"));
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let more = NetworkSecrets::complete(&large, &before, &mut rng).expect("good");
    assert_eq!(more.drawn(), 3, "one a layer");
    assert_eq!(more.authority_key(), first.authority_key());
    let after = stored(&build(&large, &more));
    for secret in &before {
        let now = after.iter().find(|now| now.metadata.name == secret.metadata.name);
        let now = now.expect("it stays");
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
    let secret =
        |children: &[Child], name: &str| find(children, "Secret", &unique(name)).only_if.clone();
    for name in ["authority", "admin", "gateway-keys", "mix-3-keys", "provider-keys"] {
        let name = &format!("net-{name}");
        assert_eq!(secret(&children, name), OnlyIf::Absent);
    }
    let found = stored(&children);
    let children = build(&mixnet, &drawn(&mixnet, &found));
    for name in ["net-authority", "net-admin", "net-gateway-keys"] {
        assert_eq!(secret(&children, name), OnlyIf::Version("7".to_owned()));
    }
    let state = find(&children, "Secret", &unique("net-directory-state"));
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
    assert_eq!(secrets.drawn(), 12);
    let children = build(&mixnet, &secrets);
    assert_eq!(find(&children, "Secret", &unique("net-authority")).only_if, OnlyIf::Absent);
}

#[test]
fn a_secret_that_somebody_changed_is_named_and_never_shown() {
    let mixnet = valid("net", spec("{}"));
    let good = stored(&build(&mixnet, &drawn(&mixnet, &[])));
    for (secret, name) in [
        ("net-authority", "authority.key"),
        ("net-admin", "admin.key"),
        ("net-mix-2-keys", "net-mix-2-0"),
    ] {
        let value = "hunter2";
        let mut changed = good.clone();
        for found in &mut changed {
            if let Some(entry) = found.data.as_mut().and_then(|data| data.get_mut(name)) {
                *entry = ByteString(value.into());
            }
        }
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let error = NetworkSecrets::complete(&mixnet, &changed, &mut rng).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(&unique(secret)), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let secrets = drawn(&mixnet, &good);
    let admin = entry(named(&good, "net-admin"), "admin.key");
    assert!(!format!("{secrets:?}").contains(&admin));
}

/// The directory reads its key once: another one makes it start again; more keys of nodes do not.
#[test]
fn another_key_makes_the_directorys_pod_anew() {
    let mixnet = valid("net", spec("{}"));
    let found = stored(&build(&mixnet, &drawn(&mixnet, &[])));
    let checksum = |secrets: &NetworkSecrets| {
        let children = build(&mixnet, secrets);
        let set = find(&children, "StatefulSet", "net-directory");
        let template = &set.object.data["spec"]["template"];
        template["metadata"]["annotations"]["mixbed.dev/secrets"].clone()
    };
    let before = checksum(&drawn(&mixnet, &found));
    assert!(before.as_str().is_some_and(|text| text.len() == 32));
    let without_keys: Vec<_> = found.iter().take(2).cloned().collect();
    assert_eq!(checksum(&drawn(&mixnet, &without_keys)), before);
    let mut other = found;
    for secret in &mut other {
        if let Some(entry) = secret.data.as_mut().and_then(|data| data.get_mut("authority.key")) {
            *entry = ByteString("ab".repeat(32).into_bytes());
        }
    }
    assert_ne!(checksum(&drawn(&mixnet, &other)), before);
}

/// The directory's key is in the directory's pod and in no other, and no container has an entry of a
/// Secret that its part does not need.
#[test]
fn only_the_directory_has_the_directorys_key() {
    let mut with_key = Vec::new();
    for child in objects(spec("{}")) {
        let Some((pod, _)) = pod(&child) else { continue };
        for volume in pod.volumes.iter().flatten() {
            let Some(secret) = volume.secret.as_ref() else { continue };
            let name = secret.secret_name.as_deref().expect("a name");
            assert!(!name.starts_with("net-directory-state"), "it is read by its account");
            assert!(!name.starts_with("net-admin"), "the operator alone orders");
            let mounts = containers(&pod).filter(|container| {
                container.volume_mounts.iter().flatten().any(|mount| mount.name == volume.name)
            });
            if name == unique("net-authority") {
                let all: Vec<_> = mounts.map(|container| container.name.clone()).collect();
                with_key.push((child.name().to_owned(), all));
            } else {
                let monerod = mounts.into_iter().any(|container| container.name == "monerod");
                assert!(!monerod, "{}: monerod needs no secret", child.name());
            }
        }
    }
    assert_eq!(with_key, [("net-directory".to_owned(), vec!["directory".to_owned()])]);
}

/// As an operator that kept all keys but the nodes' in one Secret left a Mixnet.
fn left_by_an_earlier_operator(of: &[Secret]) -> Vec<Secret> {
    let uid = unique("");
    let mut network = named(of, "net-authority").clone();
    network.metadata.name = Some("net-network".to_owned());
    let entries = named(of, "net-admin").data.clone().expect("entries");
    network.data.get_or_insert_default().extend(entries);
    let others = of.iter().filter(|secret| {
        let name = secret.metadata.name.as_deref().expect("a name");
        !["net-authority", "net-admin"].iter().any(|stem| name == unique(stem))
    });
    let renamed = others.map(|secret| {
        let mut secret = secret.clone();
        let name = secret.metadata.name.take().expect("a name");
        secret.metadata.name = name.strip_suffix(&uid).map(str::to_owned);
        secret
    });
    renamed.chain([network]).collect()
}

/// An upgrade moves keys and draws none: the network's key and every node's identity stay, each entry
/// goes where it belongs and nowhere else, and the directory keeps the state that it has.
#[test]
fn an_upgrade_moves_keys_and_draws_none() {
    let mixnet = valid("net", spec("{}"));
    let first = drawn(&mixnet, &[]);
    let now = stored(&build(&mixnet, &first));
    let before = left_by_an_earlier_operator(&now);
    assert_eq!(before.len(), now.len() - 1);

    let mut rng = ChaCha8Rng::seed_from_u64(77);
    let moved = NetworkSecrets::complete(&mixnet, &before, &mut rng).expect("good");
    assert_eq!(moved.authority_key(), first.authority_key());
    assert_eq!(moved.drawn(), 12, "they are written before anything that needs them");
    let children = build(&mixnet, &moved);
    let after = stored(&children);
    for secret in &now {
        let name = secret.metadata.name.as_deref().expect("a name");
        if name.starts_with("net-directory-state") {
            continue;
        }
        let found = after.iter().find(|one| one.metadata.name == secret.metadata.name);
        assert_eq!(found.expect("it is there").data, secret.data, "{name}");
        assert_eq!(find(&children, "Secret", name).only_if, OnlyIf::Absent, "{name}");
    }
    let directory = find(&children, "StatefulSet", "net-directory").object.data.to_string();
    assert!(directory.contains("--state-secret=net-directory-state\""), "{directory}");
    let role = find(&children, "Role", &unique("net-directory")).object.data.to_string();
    assert!(role.contains("[\"net-directory-state\"]"), "{role}");

    // Both are there: the new ones count, whatever is in the old ones, which are not built any more.
    let mut both = before;
    for secret in &mut both {
        for entry in secret.data.iter_mut().flatten() {
            *entry.1 = ByteString(b"something else".to_vec());
        }
    }
    both.extend(after);
    let again = NetworkSecrets::complete(&mixnet, &both, &mut rng).expect("good");
    assert_eq!((again.drawn(), again.authority_key()), (0, first.authority_key()));
    let children = build(&mixnet, &again);
    assert!(children.iter().all(|child| child.name() != "net-network"));
}

/// A Secret of the old name that is somebody else's gives no key.
#[test]
fn keys_are_moved_from_no_foreign_secret() {
    let mixnet = valid("net", spec("{}"));
    let first = drawn(&mixnet, &[]);
    let mut foreign = left_by_an_earlier_operator(&stored(&build(&mixnet, &first)));
    for secret in &mut foreign {
        secret.metadata.owner_references = None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(78);
    let secrets = NetworkSecrets::complete(&mixnet, &foreign, &mut rng).expect("good");
    assert_ne!(secrets.authority_key(), first.authority_key());
    let state = find(&build(&mixnet, &secrets), "StatefulSet", "net-directory").object.data.clone();
    assert!(state.to_string().contains(&unique("net-directory-state")));
}
