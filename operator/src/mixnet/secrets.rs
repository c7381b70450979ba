//! What a network's parts prove themselves with: drawn once, and never changed.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use mixbed_directory::{IdentitySecret, JoinSecret};
use rand::Rng;
use sha2::{Digest as _, Sha256};

use super::{Names, ValidMixnet};
use crate::child::OnlyIf;

/// The entry with the directory's key, 64 hexadecimal digits.
pub(super) const AUTHORITY_KEY: &str = "authority.key";
/// The entry with the admin key, by which the operator changes the network; the same.
pub(super) const ADMIN_KEY: &str = "admin.key";
/// The entry with the join secret.
pub(super) const JOIN_SECRET: &str = "join-secret";

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
    pub(super) network: Kept,
    /// By the name of the Secret.
    pub(super) keys: BTreeMap<String, Kept>,
    authority: String,
    admin: IdentitySecret,
    join: JoinSecret,
}

/// A Secret as it is to be.
#[derive(Clone, Default)]
pub(super) struct Kept {
    /// All its entries, those of pods that are no more included.
    pub(super) entries: BTreeMap<String, ByteString>,
    /// What it was found as; nothing: it was not found.
    version: Option<String>,
    /// How many entries were drawn.
    drawn: usize,
}

impl Kept {
    fn of(found: &BTreeMap<&str, &Secret>, name: &str) -> Self {
        let Some(secret) = found.get(name) else { return Self::default() };
        let entries = secret.data.clone().unwrap_or_default();
        Self { entries, version: secret.metadata.resource_version.clone(), drawn: 0 }
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

        let name = Names(mixnet.name()).network_secret();
        let mut network = Kept::of(&found, &name);
        network.complete(AUTHORITY_KEY, || hex32(rng));
        network.complete(JOIN_SECRET, || hex32(rng));
        network.complete(ADMIN_KEY, || hex32(rng));
        let wrong = |entry: &str, wanted| SecretsError {
            secret: name.clone(),
            entry: entry.to_owned(),
            wanted,
        };
        let key = |entry| {
            key(&network, entry).ok_or_else(|| wrong(entry, "a key of 64 hexadecimal digits"))
        };
        let authority = key(AUTHORITY_KEY)?.public().to_string();
        let admin = key(ADMIN_KEY)?;
        let join = network.entries.get(JOIN_SECRET).map(|entry| JoinSecret::new(&entry.0));
        let Some(Ok(join)) = join else {
            return Err(wrong(JOIN_SECRET, "a secret of 16 to 1024 bytes"));
        };

        let keys = mixnet.sets().into_iter().map(|set| {
            let name = set.keys_secret();
            let mut kept = Kept::of(&found, &name);
            for pod in set.pod_names() {
                kept.complete(&pod, || keys_file(rng));
            }
            (name, kept)
        });
        let keys = keys.collect();
        Ok(Self { network, keys, authority, admin, join })
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

    /// What lets nodes into the network.
    #[must_use]
    pub fn join_secret(&self) -> &JoinSecret {
        &self.join
    }

    /// How many entries had to be drawn: they are in no Secret yet.
    #[must_use]
    pub fn drawn(&self) -> usize {
        let kept = self.keys.values().chain([&self.network]);
        kept.map(|kept| kept.drawn).sum()
    }

    /// Changes when the join secret or the directory's key does. Tells neither: nobody guesses
    /// the key that goes in.
    pub(super) fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for entry in [AUTHORITY_KEY, JOIN_SECRET] {
            let value = self.network.entries.get(entry).map_or(&[][..], |entry| &entry.0);
            hash.update(Sha256::digest(value));
        }
        hex::encode(&hash.finalize()[..16])
    }
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
fn key(network: &Kept, entry: &str) -> Option<IdentitySecret> {
    let mut secret = [0; 32];
    hex::decode_to_slice(network.text(entry)?.trim(), &mut secret).ok()?;
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
