//! Writes a state, all of it in one transaction.

use prost::Message;
use redb::{Database, TableDefinition, WriteTransaction};

use super::FORMAT;
use super::tables::{BLOBS, DOCUMENTS, MEMBERS, NUMBERS, SEEN};
use crate::admission::admission_to_proto;
use crate::authority::encoding::voted_to_proto;
use crate::authority::epochs::Epochs;
use crate::authority::members::Member;
use crate::authority::snapshot::{Issued, Snapshot};
use crate::document::parameters_to_proto;
use crate::proto;
use crate::time::to_millis;

pub(super) fn save(database: &Database, snapshot: &Snapshot) -> Result<(), redb::Error> {
    let Snapshot {
        network,
        secret,
        former,
        epochs: Epochs { number, start, end, length },
        revision,
        configured,
        parameters,
        configured_admission,
        admission,
        last_order,
        members,
        seen,
        documents,
        voting,
    } = snapshot;
    let write = database.begin_write()?;
    {
        let mut table = emptied(&write, NUMBERS)?;
        table.insert("format", FORMAT)?;
        table.insert("epoch", number)?;
        table.insert("epoch_start", to_millis(*start))?;
        table.insert("epoch_end", to_millis(*end))?;
        table.insert("epoch_length", u64::try_from(length.as_millis()).unwrap_or(u64::MAX))?;
        table.insert("revision", revision)?;
        if let Some(at) = last_order {
            table.insert("last_order", to_millis(*at))?;
        }
        let mut table = emptied(&write, BLOBS)?;
        table.insert("network", network.as_bytes())?;
        table.insert("secret", secret.to_bytes().as_slice())?;
        if let Some(former) = former {
            table.insert("former_secret", former.to_bytes().as_slice())?;
        }
        for (key, parameters) in [("configured", configured), ("parameters", parameters)] {
            let bytes = parameters_to_proto(parameters).encode_to_vec();
            table.insert(key, bytes.as_slice())?;
        }
        let admissions = [("configured_admission", configured_admission), ("admission", admission)];
        for (key, admission) in admissions {
            let bytes = admission_to_proto(admission).encode_to_vec();
            table.insert(key, bytes.as_slice())?;
        }
        if let Some(voted) = voting {
            let bytes = voted_to_proto(voted).encode_to_vec();
            table.insert("voting", bytes.as_slice())?;
        }
        let mut table = emptied(&write, MEMBERS)?;
        for (row, Member { descriptor, lease_end }) in (0..).zip(members) {
            let bytes = descriptor.to_bytes();
            table.insert(row, (bytes.as_slice(), to_millis(*lease_end)))?;
        }
        let mut table = emptied(&write, SEEN)?;
        for (identity, at) in seen {
            table.insert(identity.as_bytes(), to_millis(*at))?;
        }
        let mut table = emptied(&write, DOCUMENTS)?;
        for Issued { document, signed } in documents {
            let bytes = proto::SignedDocument::from(&**signed).encode_to_vec();
            table.insert(document.epoch, bytes.as_slice())?;
        }
    }
    write.commit()?;
    Ok(())
}
fn emptied<'txn, K: redb::Key + 'static, V: redb::Value + 'static>(
    write: &'txn WriteTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<redb::Table<'txn, K, V>, redb::Error> {
    let mut table = write.open_table(definition)?;
    table.retain(|_, _| false)?;
    Ok(table)
}
