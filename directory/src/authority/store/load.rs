//! Reads a state, believing nothing that stands in the file.

use std::time::Duration;

use redb::{Database, ReadableDatabase, ReadableTable};
use zeroize::Zeroizing;

use super::FORMAT;
use super::tables::{BLOBS, DOCUMENTS, MEMBERS, NUMBERS, SEEN};
use crate::authority::encoding::{admission, former, issued, parameters, voted_from_proto};
use crate::authority::epochs::Epochs;
use crate::authority::members::Member;
use crate::authority::snapshot::{Snapshot, Voted};
use crate::document::{Descriptor, canonical};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::time::from_millis;

pub(super) fn load(database: &Database) -> Result<Option<Snapshot>, Broken> {
    let read = database.begin_read().map_err(redb::Error::from)?;
    let numbers = match read.open_table(NUMBERS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(redb::Error::from(error).into()),
    };
    let number = |key| -> Result<Option<u64>, Broken> {
        Ok(numbers.get(key).map_err(redb::Error::from)?.map(|guard| guard.value()))
    };
    let known = |key| number(key)?.ok_or(Broken::Content("a number is missing"));
    let time = |millis| from_millis(millis).ok_or(Broken::Content("a time is out of range"));
    match known("format")? {
        FORMAT => {}
        format => return Err(Broken::Format(format)),
    }
    let blobs = read.open_table(BLOBS).map_err(redb::Error::from)?;
    let blob = |key| -> Result<Vec<u8>, Broken> {
        let guard = blobs.get(key).map_err(redb::Error::from)?;
        Ok(guard.ok_or(Broken::Content("a value is missing"))?.value().to_vec())
    };
    // What a directory of an earlier version did not write is empty.
    let since = |key| -> Result<Zeroizing<Vec<u8>>, Broken> {
        let guard = blobs.get(key).map_err(redb::Error::from)?;
        Ok(Zeroizing::new(guard.map(|guard| guard.value().to_vec()).unwrap_or_default()))
    };
    let stored_admission = |key| admission(&since(key)?).map_err(Broken::Content);
    let secret: [u8; 32] =
        blob("secret")?.try_into().map_err(|_| Broken::Content("the key's length is wrong"))?;
    let secret = IdentitySecret::from_bytes(secret);
    let network = String::from_utf8(blob("network")?)
        .map_err(|_| Broken::Content("the network's name is no text"))?;

    let mut members = Vec::new();
    let table = read.open_table(MEMBERS).map_err(redb::Error::from)?;
    for row in table.iter().map_err(redb::Error::from)? {
        let (_, row) = row.map_err(redb::Error::from)?;
        let (descriptor, lease_end) = row.value();
        let descriptor = Descriptor::from_bytes(descriptor)
            .map_err(|_| Broken::Content("a descriptor is malformed"))?;
        members.push(Member { descriptor, lease_end: time(lease_end)? });
    }
    let mut seen = Vec::new();
    let table = read.open_table(SEEN).map_err(redb::Error::from)?;
    for row in table.iter().map_err(redb::Error::from)? {
        let (identity, at) = row.map_err(redb::Error::from)?;
        seen.push((IdentityPublic::from_bytes(*identity.value()), time(at.value())?));
    }
    let voting = match blobs.get("voting").map_err(redb::Error::from)? {
        None => None,
        Some(guard) => {
            let message = canonical(guard.value()).ok_or(Broken::Content("its voting is none"))?;
            Some(voted_from_proto(&message).map_err(Broken::Content)?)
        }
    };
    let trust = Voted::trust(voting.as_ref(), &network, secret.public());
    let mut documents = Vec::new();
    let table = read.open_table(DOCUMENTS).map_err(redb::Error::from)?;
    for row in table.iter().map_err(redb::Error::from)? {
        let (_, row) = row.map_err(redb::Error::from)?;
        documents.push(issued(row.value(), &trust).map_err(Broken::Content)?);
    }
    let epoch_length = Duration::from_millis(known("epoch_length")?);
    Ok(Some(Snapshot {
        network,
        secret,
        former: former(&since("former_secret")?).map_err(Broken::Content)?,
        epochs: Epochs {
            number: known("epoch")?,
            start: time(known("epoch_start")?)?,
            end: time(known("epoch_end")?)?,
            length: epoch_length,
        },
        revision: known("revision")?,
        configured: parameters(&blob("configured")?).map_err(Broken::Content)?,
        parameters: parameters(&blob("parameters")?).map_err(Broken::Content)?,
        configured_admission: stored_admission("configured_admission")?,
        admission: stored_admission("admission")?,
        last_order: number("last_order")?.map(time).transpose()?,
        members,
        seen,
        documents,
        voting,
    }))
}

/// Why a state cannot be read.
pub(super) enum Broken {
    Storage(redb::Error),
    Content(&'static str),
    Format(u64),
}

impl From<redb::Error> for Broken {
    fn from(error: redb::Error) -> Self {
        Self::Storage(error)
    }
}
