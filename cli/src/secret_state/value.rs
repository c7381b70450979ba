//! What stands in the Secret, and whose it is; pure.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use mixbed_directory::authority::{Snapshot, SnapshotError};
use serde_json::{Value, json};

/// The key of the state, and of who wrote it.
pub(super) const STATE: &str = "state";
pub(super) const WRITER: &str = "writer";

/// A Secret holds 1 MiB in all, names and keys included.
const MAX_BYTES: usize = 900 << 10;

/// Why a state and a Secret do not fit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ValueError {
    /// The network is too large.
    #[error(
        "the directory's state takes {} KiB, a Secret holds {} KiB, about 500 nodes: keep it on a volume (--state-dir)", .0.div_ceil(1 << 10), MAX_BYTES >> 10
    )]
    TooLong(usize),
    /// What stands in it is none.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// Who wrote a Secret last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// This process.
    Ours,
    /// Nobody: it was made empty.
    Nobodys,
    /// Another directory.
    Anothers,
}

/// The state in a Secret; nothing if none was ever written.
pub(super) fn state(secret: &Secret) -> Result<Option<Snapshot>, ValueError> {
    match field(secret, STATE) {
        None => Ok(None),
        Some(bytes) if bytes.len() > MAX_BYTES => Err(ValueError::TooLong(bytes.len())),
        Some(bytes) => Ok(Some(Snapshot::from_bytes(bytes)?)),
    }
}

/// The bytes of a state, if they fit.
pub(super) fn bytes(snapshot: &Snapshot) -> Result<ByteString, ValueError> {
    let bytes = snapshot.to_bytes();
    if bytes.len() > MAX_BYTES {
        return Err(ValueError::TooLong(bytes.len()));
    }
    Ok(ByteString(bytes.to_vec()))
}

/// Whose a Secret is.
pub(super) fn whose(secret: &Secret, us: &str) -> Whose {
    match field(secret, WRITER) {
        Some(writer) if writer == us.as_bytes() => Whose::Ours,
        None if field(secret, STATE).is_none() => Whose::Nobodys,
        _ => Whose::Anothers,
    }
}

fn field<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    let bytes = &secret.data.as_ref()?.get(key)?.0;
    // Made by hand as an empty value, it is as good as none.
    (!bytes.is_empty()).then_some(bytes)
}

/// Changes a Secret that still has this version, and leaves the rest of it as it is: labels and
/// owners are the operator's. Without a state only says whose it is.
pub(super) fn patch(us: &str, state: Option<&ByteString>, version: &str) -> Value {
    json!({ "metadata": { "resourceVersion": version }, "data": data(us, state) })
}

/// A Secret to be made.
pub(super) fn new(name: &str, us: &str, state: Option<&ByteString>) -> Secret {
    Secret {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        data: Some(data(us, state)),
        ..Secret::default()
    }
}

fn data(us: &str, state: Option<&ByteString>) -> BTreeMap<String, ByteString> {
    let mut data = BTreeMap::from([(WRITER.to_owned(), ByteString(us.as_bytes().to_vec()))]);
    data.extend(state.map(|state| (STATE.to_owned(), state.clone())));
    data
}

/// Whether a Secret can have this name: a DNS name, as Kubernetes has it.
pub(super) fn is_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(good)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}
