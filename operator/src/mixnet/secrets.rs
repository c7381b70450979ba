//! What a network's parts prove themselves with: drawn once, and never changed.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use mixbed_directory::{IdentityPublic, IdentitySecret};
use rand::Rng;
use sha2::{Digest as _, Sha256};

use super::{Names, NodeSet, ValidMixnet};
use crate::child::OnlyIf;

/// The entry with the directory's key, 64 hexadecimal digits.
pub(super) const AUTHORITY_KEY: &str = "authority.key";
/// The entry with the admin key, by which the operator changes the network; the same.
pub(super) const ADMIN_KEY: &str = "admin.key";

/// A Secret of ours that has something else in it than was put there.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the entry {entry} of Secret {secret} is not {wanted}: restore it, or delete the Secret to have another drawn (the network's key then changes, and every pod restarts)"
)]
pub struct SecretsError {
    /// The Secret's name.
    pub secret: String,
    /// Which entry.
    pub entry: String,
    /// What it should be.
    pub wanted: &'static str,
}

/// All secrets of a network: those that were found, and those that had to be drawn.
#[derive(Clone)]
pub struct NetworkSecrets {
    pub(super) authority_key: Kept,
    pub(super) admin_key: Kept,
    /// By the name of the Secret without the Mixnet's uid.
    pub(super) keys: BTreeMap<String, Kept>,
    /// By the same name, and that of the pod.
    identities: BTreeMap<String, BTreeMap<String, IdentityPublic>>,
    state: String,
    authority: String,
    admin: IdentitySecret,
}

/// A Secret as it is to be.
#[derive(Clone, Default)]
pub(super) struct Kept {
    /// All its entries, those of pods that are no more included.
    pub(super) entries: BTreeMap<String, ByteString>,
    /// What it was found as; nothing: it was not found.
    version: Option<String>,
    /// How many entries are in no Secret of this name yet.
    drawn: usize,
}

impl Kept {
    /// What the Secret of this name has. Where there is none, it begins with what an earlier
    /// operator kept under another name: those entries that belong here.
    fn of(
        found: &BTreeMap<&str, &Secret>,
        name: &str,
        before: &str,
        belongs: impl Fn(&str) -> bool,
    ) -> Self {
        let data = |secret: &Secret| secret.data.clone().unwrap_or_default();
        if let Some(secret) = found.get(name) {
            let version = secret.metadata.resource_version.clone();
            return Self { entries: data(secret), version, drawn: 0 };
        }
        let mut entries = found.get(before).map(|secret| data(secret)).unwrap_or_default();
        entries.retain(|entry, _| belongs(entry));
        Self { drawn: entries.len(), entries, version: None }
    }

    fn complete(&mut self, entry: &str, draw: impl FnOnce() -> String) {
        if !self.entries.contains_key(entry) {
            self.entries.insert(entry.to_owned(), ByteString(draw().into_bytes()));
            self.drawn += 1;
        }
    }

    fn text(&self, entry: &str) -> Option<&str> {
        std::str::from_utf8(&self.entries.get(entry)?.0).ok()
    }

    /// What must be true for it to be written: that nobody has, since it was looked at.
    pub(super) fn only_if(&self) -> OnlyIf {
        self.version.clone().map_or(OnlyIf::Absent, OnlyIf::Version)
    }
}

impl NetworkSecrets {
    /// The secrets of this network: what is in the Secrets that were found and are its own, and
    /// anew what is missing. What is there stays, whatever it is.
    pub fn complete<'a, R: Rng + ?Sized>(
        mixnet: &ValidMixnet,
        found: impl IntoIterator<Item = &'a Secret>,
        rng: &mut R,
    ) -> Result<Self, SecretsError> {
        let ours = found.into_iter().filter(|secret| mixnet.owner.controls(&secret.metadata));
        let found: BTreeMap<&str, &Secret> =
            ours.filter_map(|secret| Some((secret.metadata.name.as_deref()?, secret))).collect();

        let (names, owner) = (Names(mixnet.name()), &mixnet.owner);
        let network = names.network();
        let one = |stem: &str, entry: &str| {
            Kept::of(&found, &owner.unique(stem), &network, |name| name == entry)
        };
        let mut authority_key = one(&names.authority(), AUTHORITY_KEY);
        authority_key.complete(AUTHORITY_KEY, || hex32(rng));
        let mut admin_key = one(&names.admin(), ADMIN_KEY);
        admin_key.complete(ADMIN_KEY, || hex32(rng));
        let wrong = |stem: &str, entry: &str, wanted| SecretsError {
            secret: owner.unique(stem),
            entry: entry.to_owned(),
            wanted,
        };
        let key = |kept: &Kept, stem: &str, entry: &str| {
            key(kept, entry).ok_or_else(|| wrong(stem, entry, "a key of 64 hexadecimal digits"))
        };
        let authority = key(&authority_key, &names.authority(), AUTHORITY_KEY)?;
        let admin = key(&admin_key, &names.admin(), ADMIN_KEY)?;

        let keys = mixnet.sets().into_iter().map(|set| {
            let stem = set.keys_secret();
            let mut kept = Kept::of(&found, &owner.unique(&stem), &stem, |_| true);
            for pod in set.pod_names() {
                kept.complete(&pod, || keys_file(rng));
            }
            (stem, kept)
        });
        let keys: BTreeMap<_, _> = keys.collect();
        let mut identities = BTreeMap::new();
        for (stem, kept) in &keys {
            let of_pod = |pod: &String| {
                let identity = identity(kept, pod);
                let identity = identity.ok_or_else(|| wrong(stem, pod, "a node's two keys"))?;
                Ok((pod.clone(), identity))
            };
            let all: Result<_, SecretsError> = kept.entries.keys().map(of_pod).collect();
            identities.insert(stem.clone(), all?);
        }
        // A directory must not forget: one that an earlier operator made keeps the Secret that it has.
        let before = names.directory_state();
        let kept_on = found.contains_key(before.as_str());
        let state = if kept_on { before } else { owner.unique(&before) };
        let authority = authority.public().to_string();
        Ok(Self { authority_key, admin_key, keys, identities, state, authority, admin })
    }

    /// The directory's public key: 64 hexadecimal digits.
    #[must_use]
    pub fn authority_key(&self) -> &str {
        &self.authority
    }

    /// What changes the network while it runs.
    #[must_use]
    pub fn admin(&self) -> &IdentitySecret {
        &self.admin
    }

    /// The pods of a set that have keys, or had them, with their identities.
    pub fn pods(&self, set: &NodeSet) -> impl Iterator<Item = (&str, IdentityPublic)> {
        let pods = self.identities.get(&set.keys_secret()).into_iter().flatten();
        pods.map(|(pod, identity)| (&**pod, *identity))
    }

    /// How many entries were drawn or moved: they are in no Secret of their own yet.
    #[must_use]
    pub fn drawn(&self) -> usize {
        let one = [&self.authority_key, &self.admin_key];
        let kept = self.keys.values().chain(one);
        kept.map(|kept| kept.drawn).sum()
    }

    /// The Secret in which the directory keeps its state.
    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// Changes when a secret does that the directory's pod mounts.
    pub(super) fn directory_checksum(&self) -> String {
        checksum(&[&self.authority_key])
    }
}

/// Changes when an entry does. Tells none: nobody guesses keys.
fn checksum(secrets: &[&Kept]) -> String {
    let mut hash = Sha256::new();
    for (name, value) in secrets.iter().flat_map(|kept| &kept.entries) {
        hash.update(Sha256::digest(name));
        hash.update(Sha256::digest(&value.0));
    }
    hex::encode(&hash.finalize()[..16])
}

impl fmt::Debug for NetworkSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkSecrets")
            .field("authority_key", &self.authority)
            .field("drawn", &self.drawn())
            .finish_non_exhaustive()
    }
}

/// The key in an entry.
fn key(kept: &Kept, entry: &str) -> Option<IdentitySecret> {
    secret(kept.text(entry)?)
}

/// Whose keys a pod has.
fn identity(keys: &Kept, pod: &str) -> Option<IdentityPublic> {
    let line = keys.text(pod)?.lines().find_map(|line| line.strip_prefix("identity "))?;
    Some(secret(line)?.public())
}

fn secret(digits: &str) -> Option<IdentitySecret> {
    let mut secret = [0; 32];
    hex::decode_to_slice(digits.trim(), &mut secret).ok()?;
    Some(IdentitySecret::from_bytes(secret))
}

/// A pod's keys, as `mixbed node --keys-file` reads them.
fn keys_file<R: Rng + ?Sized>(rng: &mut R) -> String {
    format!("identity {}\nlink {}\n", hex32(rng), hex32(rng))
}

fn hex32<R: Rng + ?Sized>(rng: &mut R) -> String {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}
