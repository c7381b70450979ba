//! The tables of the state file.

use redb::TableDefinition;

pub(super) const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");
pub(super) const BLOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("blobs");
pub(super) const MEMBERS: TableDefinition<u64, (&[u8], u64)> = TableDefinition::new("members");
pub(super) const SEEN: TableDefinition<&[u8; 32], u64> = TableDefinition::new("seen");
pub(super) const DOCUMENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("documents");
