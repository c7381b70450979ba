//! What stands where in the file.

use std::time::{Duration, SystemTime};

use mixbed_wire::letter::{LETTER_SIZES, LetterId, MailboxId};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::mailbox::{LetterNo, Mailboxes};

pub(super) const FORMAT: u64 = 1;

/// The format.
pub(super) const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// By id: when the owner came last, in ms since 1970.
pub(super) const MAILBOXES: TableDefinition<'_, &[u8; 16], u64> = TableDefinition::new("mailboxes");

type Row<'a> = (&'a [u8; 16], &'a [u8; 16], u64, u64);

/// By number: mailbox, letter's id, when it came in ms since 1970, size in bytes.
pub(super) const LETTERS: TableDefinition<'_, u64, Row<'_>> = TableDefinition::new("letters");

/// By number: the sealed bytes. A table of its own, so that a gateway starts without reading them.
pub(super) const BODIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("bodies");

/// Why a file cannot be loaded.
pub(super) enum Broken {
    Library(redb::Error),
    Content(&'static str),
}

impl<E: Into<redb::Error>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Library(error.into())
    }
}

/// Makes the tables of a new file; says the format of this one.
pub(super) fn begin(database: &Database) -> Result<u64, redb::Error> {
    let write = database.begin_write()?;
    let format = {
        let mut numbers = write.open_table(NUMBERS)?;
        let known = numbers.get("format")?.map(|format| format.value());
        let format = known.unwrap_or(FORMAT);
        numbers.insert("format", format)?;
        format
    };
    if format == FORMAT {
        write.open_table(MAILBOXES)?;
        write.open_table(LETTERS)?;
        write.open_table(BODIES)?;
    }
    write.commit()?;
    Ok(format)
}

pub(super) fn load(database: &Database, mailboxes: &mut Mailboxes) -> Result<(), Broken> {
    let read = database.begin_read()?;
    for row in read.open_table(MAILBOXES)?.iter()? {
        let (id, visited) = row?;
        mailboxes.restore_mailbox(MailboxId::from_bytes(*id.value()), time(visited.value())?);
    }
    for row in read.open_table(LETTERS)?.iter()? {
        let (no, row) = row?;
        let (mailbox, id, arrived, size) = row.value();
        let size = usize::try_from(size).ok().filter(|size| LETTER_SIZES.contains(size));
        let size = size.ok_or(Broken::Content("a letter of no possible size"))?;
        let (mailbox, id) = (MailboxId::from_bytes(*mailbox), LetterId::from_bytes(*id));
        let no = LetterNo(no.value());
        if !mailboxes.restore_letter(no, mailbox, id, size, time(arrived)?) {
            return Err(Broken::Content("a letter without a mailbox"));
        }
    }
    Ok(())
}

pub(super) fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> Result<SystemTime, Broken> {
    let since = Duration::from_millis(millis);
    SystemTime::UNIX_EPOCH.checked_add(since).ok_or(Broken::Content("a time beyond all times"))
}
