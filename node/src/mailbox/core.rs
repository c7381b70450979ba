//! The rules of mailboxes, without I/O and without a clock.

#![deny(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use mixbed_wire::letter::{LetterId, MailboxId, SealedLetter};
use mixbed_wire::message::{Collect, MailboxAnswer};

use super::MailboxBounds;

/// A letter's number at this gateway: later ones have higher ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterNo(pub u64);

/// Something that is to be written down before anybody is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The mailbox's owner came; the mailbox is new or has been there.
    Visited(MailboxId, SystemTime),
    /// The mailbox is no more. What was in it is forgotten by changes of its own.
    Closed(MailboxId),
    /// A letter is kept.
    Kept {
        /// Its number.
        no: LetterNo,
        /// Whose it is.
        mailbox: MailboxId,
        /// When it came.
        arrived: SystemTime,
        /// The letter.
        letter: SealedLetter,
    },
    /// A letter is no more.
    Forgotten(LetterNo),
}

/// What came of a letter that was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is kept for so long, and may have been before.
    Kept(Duration),
    /// There is no such mailbox.
    NoMailbox,
    /// The mailbox holds as much as it may.
    Full,
}

/// What an owner gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// Letters to bring, oldest first.
    pub letters: Vec<LetterNo>,
    /// Letters besides these that the owner does not hold.
    pub waiting: usize,
    /// How long the mailbox stays without another visit.
    pub lease: Duration,
}

#[derive(Debug)]
struct Entry {
    id: LetterId,
    size: usize,
    arrived: SystemTime,
}

#[derive(Debug)]
struct Mailbox {
    /// As it is written down.
    visited: SystemTime,
    letters: BTreeMap<LetterNo, Entry>,
    bytes: usize,
}

/// All mailboxes of a gateway: which letters there are, not what is in them.
#[derive(Debug)]
pub struct Mailboxes {
    bounds: MailboxBounds,
    open: HashMap<MailboxId, Mailbox>,
    by_visit: BTreeSet<(SystemTime, MailboxId)>,
    by_age: BTreeSet<(SystemTime, LetterNo, MailboxId)>,
    bytes: usize,
    next: LetterNo,
    changes: Vec<Change>,
    expired: u64,
}

impl Mailboxes {
    /// A gateway without mailboxes.
    #[must_use]
    pub fn new(bounds: MailboxBounds) -> Self {
        Self {
            bounds,
            open: HashMap::new(),
            by_visit: BTreeSet::new(),
            by_age: BTreeSet::new(),
            bytes: 0,
            next: LetterNo(1),
            changes: Vec::new(),
            expired: 0,
        }
    }

    /// Takes back a mailbox that was written down.
    pub fn restore_mailbox(&mut self, id: MailboxId, visited: SystemTime) {
        self.open.insert(id, Mailbox { visited, letters: BTreeMap::new(), bytes: 0 });
        self.by_visit.insert((visited, id));
    }

    /// Takes back a letter that was written down; whether its mailbox is there.
    #[must_use]
    pub fn restore_letter(
        &mut self,
        no: LetterNo,
        mailbox: MailboxId,
        id: LetterId,
        size: usize,
        arrived: SystemTime,
    ) -> bool {
        self.next = self.next.max(LetterNo(no.0.saturating_add(1)));
        let Some(owner) = self.open.get_mut(&mailbox) else { return false };
        owner.letters.insert(no, Entry { id, size, arrived });
        owner.bytes += size;
        self.bytes += size;
        self.by_age.insert((arrived, no, mailbox));
        true
    }

    /// Somebody puts a letter into a mailbox. The same letter is kept once.
    pub fn handle_put(&mut self, mailbox: MailboxId, letter: SealedLetter, now: SystemTime) -> Put {
        let Some(owner) = self.open.get_mut(&mailbox) else { return Put::NoMailbox };
        let (id, size) = (letter.id(), letter.as_bytes().len());
        if let Some(entry) = owner.letters.values().find(|entry| entry.id == id) {
            return Put::Kept(left(entry.arrived, self.bounds.letter_age, now));
        }
        // What is there stays: a flood cannot push it out.
        if owner.letters.len() >= self.bounds.letters || owner.bytes + size > self.bounds.bytes {
            return Put::Full;
        }
        let no = self.next;
        self.next = LetterNo(no.0.saturating_add(1));
        owner.letters.insert(no, Entry { id, size, arrived: now });
        owner.bytes += size;
        self.bytes += size;
        self.by_age.insert((now, no, mailbox));
        self.changes.push(Change::Kept { no, mailbox, arrived: now, letter });
        Put::Kept(self.bounds.letter_age)
    }

    /// A mailbox's owner, who has proven to be it, comes. The mailbox is opened if it is not
    /// there; nothing if there is no room for it.
    pub fn handle_collect(
        &mut self,
        mailbox: MailboxId,
        command: &Collect,
        now: SystemTime,
    ) -> Option<Collected> {
        self.visit(mailbox, now)?;
        for taken in &command.taken {
            self.forget_named(mailbox, taken);
        }
        let owner = self.open.get(&mailbox)?;
        let room = usize::try_from(command.room).unwrap_or(usize::MAX);
        let room = room.min(MailboxAnswer::MAX_LETTERS);
        let wanted = owner.letters.iter().filter(|(_, entry)| !command.held.contains(&entry.id));
        let (mut letters, mut bytes, mut waiting) = (Vec::new(), 0, 0);
        for (no, entry) in wanted {
            bytes += entry.size;
            if waiting == 0 && (bytes <= room || (letters.is_empty() && room > 0)) {
                letters.push(*no);
            } else {
                waiting += 1;
            }
        }
        let lease = left(owner.visited, self.bounds.lease, now);
        Some(Collected { letters, waiting, lease })
    }

    /// Forgets letters that are too old and mailboxes whose owners have been away for too long.
    pub fn handle_timeout(&mut self, now: SystemTime) {
        while let Some(&(arrived, no, mailbox)) = self.by_age.first()
            && is_over(arrived, self.bounds.letter_age, now)
        {
            self.expired += 1;
            self.forget(mailbox, no);
        }
        while let Some(&(visited, mailbox)) = self.by_visit.first()
            && is_over(visited, self.bounds.lease, now)
        {
            self.close(mailbox);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<SystemTime> {
        let letter =
            self.by_age.first().and_then(|(at, ..)| at.checked_add(self.bounds.letter_age));
        let lease = self.by_visit.first().and_then(|(at, _)| at.checked_add(self.bounds.lease));
        letter.into_iter().chain(lease).min()
    }

    /// What is to be written down since the last call, in this order.
    #[must_use]
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// How many mailboxes there are.
    #[must_use]
    pub fn mailboxes(&self) -> usize {
        self.open.len()
    }

    /// How many letters.
    #[must_use]
    pub fn letters(&self) -> usize {
        self.by_age.len()
    }

    /// Their bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many letters nobody came for in time, since the last call.
    pub fn take_expired(&mut self) -> u64 {
        std::mem::take(&mut self.expired)
    }

    /// Opens the mailbox, or keeps it.
    fn visit(&mut self, mailbox: MailboxId, now: SystemTime) -> Option<()> {
        if let Some(owner) = self.open.get_mut(&mailbox) {
            if !is_over(owner.visited, self.bounds.visit_lasts(), now) {
                return Some(());
            }
            self.by_visit.remove(&(owner.visited, mailbox));
            owner.visited = now;
        } else {
            if self.open.len() >= self.bounds.mailboxes {
                let unused = self.unused(now)?;
                self.close(unused);
            }
            let new = Mailbox { visited: now, letters: BTreeMap::new(), bytes: 0 };
            self.open.insert(mailbox, new);
        }
        self.by_visit.insert((now, mailbox));
        self.changes.push(Change::Visited(mailbox, now));
        Some(())
    }

    /// The empty mailbox whose owner has been away for longest, if that is long enough.
    fn unused(&self, now: SystemTime) -> Option<MailboxId> {
        let away = self.by_visit.iter().take_while(|(at, _)| is_over(*at, self.bounds.idle, now));
        let empty = |id: &MailboxId| self.open.get(id).is_some_and(|m| m.letters.is_empty());
        away.map(|(_, id)| *id).find(empty)
    }

    fn close(&mut self, mailbox: MailboxId) {
        let Some(owner) = self.open.remove(&mailbox) else { return };
        self.by_visit.remove(&(owner.visited, mailbox));
        for (no, entry) in owner.letters {
            self.expired += 1;
            self.bytes -= entry.size;
            self.by_age.remove(&(entry.arrived, no, mailbox));
            self.changes.push(Change::Forgotten(no));
        }
        self.changes.push(Change::Closed(mailbox));
    }

    fn forget_named(&mut self, mailbox: MailboxId, id: &LetterId) {
        let owner = self.open.get(&mailbox);
        let found = owner.and_then(|m| m.letters.iter().find(|(_, entry)| entry.id == *id));
        if let Some((no, _)) = found {
            self.forget(mailbox, *no);
        }
    }

    fn forget(&mut self, mailbox: MailboxId, no: LetterNo) {
        let owner = self.open.get_mut(&mailbox);
        if let Some((owner, entry)) = owner.and_then(|m| m.letters.remove(&no).map(|e| (m, e))) {
            owner.bytes -= entry.size;
            self.bytes -= entry.size;
            self.by_age.remove(&(entry.arrived, no, mailbox));
            self.changes.push(Change::Forgotten(no));
        }
    }
}

/// Whether `span` after `since` has passed; a clock that was set back makes things stay.
fn is_over(since: SystemTime, span: Duration, now: SystemTime) -> bool {
    now.duration_since(since).is_ok_and(|passed| passed >= span)
}

/// What is left of `span` after `since`.
fn left(since: SystemTime, span: Duration, now: SystemTime) -> Duration {
    span.saturating_sub(now.duration_since(since).unwrap_or_default())
}

#[cfg(test)]
mod tests;
