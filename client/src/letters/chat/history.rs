//! The conversations: what came, what was written and how far that has come. Without I/O and
//! without a clock.

#![deny(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant, SystemTime};

use mixbed_wire::letter::{LetterId, ReplyOffer};
use mixbed_wire::{MailboxPublic, REPLY_BLOCK_SIZE};

use super::{Delivery, Direction, HistoryBounds, Message, NoAnswer, Peer};

/// How long a message that was handed to a reader is not handed to another one.
const HELD: Duration = Duration::from_secs(10);

/// What is to be written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) written: Vec<Message>,
    pub(super) removed: Vec<u64>,
}

/// A reply block that is used up now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) letter: LetterId,
    pub(super) key: MailboxPublic,
    pub(super) block: [u8; REPLY_BLOCK_SIZE],
}

/// All messages, bounded: the oldest go first, those that nobody has read last of all.
#[derive(Debug)]
pub(super) struct History {
    bounds: HistoryBounds,
    messages: BTreeMap<u64, (Message, u64)>,
    /// By the version that made them what they are.
    by_version: BTreeMap<u64, u64>,
    by_letter: HashMap<LetterId, u64>,
    unread: BTreeSet<u64>,
    unread_bytes: usize,
    held: HashMap<u64, Instant>,
    bytes: usize,
    next: u64,
    version: u64,
}

impl History {
    /// What was written down before. Versions begin after `version`. What was being sent then is
    /// told of as failed, by changes.
    pub(super) fn restore(
        bounds: HistoryBounds,
        version: u64,
        messages: impl IntoIterator<Item = Message>,
    ) -> (Self, Changes) {
        let mut history = Self {
            bounds,
            messages: BTreeMap::new(),
            by_version: BTreeMap::new(),
            by_letter: HashMap::new(),
            unread: BTreeSet::new(),
            unread_bytes: 0,
            held: HashMap::new(),
            bytes: 0,
            next: 1,
            version,
        };
        let mut changes = Changes::default();
        for mut message in messages {
            if let Direction::Sent { delivery, .. } = &mut message.direction
                && *delivery == Delivery::Sending
            {
                let why = "the client ended before there was an answer; it may have arrived";
                *delivery = Delivery::Failed { why: why.to_owned() };
                changes.written.push(message.clone());
            }
            history.next = history.next.max(message.no.saturating_add(1));
            history.put(message);
        }
        (history, changes)
    }

    /// The newest version.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Whether a letter is here.
    pub(super) fn has(&self, letter: &LetterId) -> bool {
        self.by_letter.contains_key(letter)
    }

    /// Whether so much is unread that no more should be fetched.
    pub(super) fn is_full(&self) -> bool {
        self.unread.len() >= self.bounds.messages / 2 || self.unread_bytes >= self.bounds.bytes / 2
    }

    /// Takes a message in, and gives it its number.
    pub(super) fn add(&mut self, mut message: Message) -> (u64, Changes) {
        message.no = self.next;
        self.next += 1;
        let no = message.no;
        let mut changes = Changes { written: vec![message.clone()], ..Changes::default() };
        self.put(message);
        while self.messages.len() > self.bounds.messages || self.bytes > self.bounds.bytes {
            // What is unread stays: it was taken from the mailbox, and is nowhere else.
            let oldest = self.messages.keys().find(|old| **old != no && !self.unread.contains(old));
            let Some(oldest) = oldest.copied() else { break };
            self.remove(oldest);
            changes.removed.push(oldest);
        }
        (no, changes)
    }

    /// Takes a message out, as if it had never been there.
    pub(super) fn remove(&mut self, no: u64) {
        let Some((message, version)) = self.messages.remove(&no) else { return };
        self.by_version.remove(&version);
        self.by_letter.remove(&message.letter);
        self.bytes -= message.cost();
        if self.unread.remove(&no) {
            self.unread_bytes -= message.cost();
        }
        self.held.remove(&no);
    }

    /// What was written here has come so far. Nothing takes back that it was delivered.
    pub(super) fn set_delivery(&mut self, no: u64, reached: Delivery) -> Changes {
        self.change(no, |message| {
            let Direction::Sent { delivery, .. } = &mut message.direction else { return false };
            let is_new = !matches!(delivery, Delivery::Delivered { .. });
            if is_new {
                *delivery = reached;
            }
            is_new
        })
    }

    /// A receipt came from a key. It counts if that is the key which the letter was sealed to.
    pub(super) fn handle_receipt(
        &mut self,
        letter: &LetterId,
        from: &MailboxPublic,
        at: SystemTime,
    ) -> Changes {
        let Some(no) = self.by_letter.get(letter).copied() else { return Changes::default() };
        let is_theirs = self.get(no).is_some_and(|message| message.peer.key() == Some(*from));
        if is_theirs {
            self.set_delivery(no, Delivery::Delivered { at })
        } else {
            Changes::default()
        }
    }

    /// The user has seen it.
    pub(super) fn mark_read(&mut self, no: u64) -> Changes {
        self.change(no, |message| match &mut message.direction {
            Direction::Received { read, .. } => !std::mem::replace(read, true),
            Direction::Sent { .. } => false,
        })
    }

    /// Takes a reply block of a letter, or of any letter of the same sender: of those that are good
    /// for longest.
    pub(super) fn take_way(
        &mut self,
        peer: &Peer,
        only: Option<&LetterId>,
        now: SystemTime,
    ) -> Result<(Way, Changes), NoAnswer> {
        let offered = |message: &Message| match &message.direction {
            Direction::Received { offer: Some(offer), .. } => Some((message.no, offer.good_until)),
            _ => None,
        };
        let here = self.of(peer).filter(|message| only.is_none_or(|only| message.letter == *only));
        let mut offers: Vec<_> = here.filter_map(offered).collect();
        offers.sort_by_key(|(_, good_until)| *good_until);
        let (_, last) = *offers.last().ok_or(NoAnswer::NotOffered)?;
        if last <= now {
            return Err(NoAnswer::Expired { at: last });
        }
        for (no, _) in offers.into_iter().rev().filter(|(_, good_until)| *good_until > now) {
            let mut way = None;
            let changes = self.change(no, |message| {
                let letter = message.letter;
                if let Direction::Received { offer: Some(offer), .. } = &mut message.direction {
                    let ReplyOffer { key, blocks, .. } = offer;
                    way = blocks.pop().map(|block| Way { letter, key: *key, block });
                }
                way.is_some()
            });
            if let Some(way) = way {
                return Ok((way, changes));
            }
        }
        Err(NoAnswer::UsedUp)
    }

    /// How many answers can be given to somebody without a name, and until when.
    pub(super) fn answers_left(&self, peer: &Peer, now: SystemTime) -> Option<(usize, SystemTime)> {
        let good = self.of(peer).filter_map(|message| match &message.direction {
            Direction::Received { offer: Some(offer), .. } if offer.good_until > now => Some(offer),
            _ => None,
        });
        good.fold(None, |sum: Option<(usize, SystemTime)>, offer| {
            let (left, until) = sum.unwrap_or((0, offer.good_until));
            Some((left + offer.blocks.len(), until.max(offer.good_until)))
        })
    }

    /// A message.
    pub(super) fn get(&self, no: u64) -> Option<&Message> {
        self.messages.get(&no).map(|(message, _)| message)
    }

    /// The message that a letter carries.
    pub(super) fn by_letter(&self, letter: &LetterId) -> Option<&Message> {
        self.by_letter.get(letter).and_then(|no| self.get(*no))
    }

    /// The last messages of a conversation, or of all, oldest first.
    pub(super) fn last(&self, peer: Option<&Peer>, count: usize) -> Vec<Message> {
        let all = self.messages.values().rev().map(|(message, _)| message);
        let of = all.filter(|message| peer.is_none_or(|peer| message.peer == *peer));
        let mut last: Vec<_> = of.take(count).cloned().collect();
        last.reverse();
        last
    }

    /// What is new or different since a version, the longest ago first.
    pub(super) fn changed_since(&self, version: u64, most: usize) -> (Vec<Message>, u64) {
        let mut seen = version;
        let mut changed = Vec::new();
        for (version, no) in self.by_version.range(version.saturating_add(1)..).take(most) {
            changed.extend(self.get(*no).cloned());
            seen = *version;
        }
        (changed, seen)
    }

    /// The oldest message that nobody has read and that no reader was handed a moment ago.
    pub(super) fn next_unread(&mut self, now: Instant) -> Option<Message> {
        self.held.retain(|_, until| *until > now);
        let no = *self.unread.iter().find(|no| !self.held.contains_key(no))?;
        self.held.insert(no, now + HELD);
        self.get(no).cloned()
    }

    /// When a message that a reader holds may be handed to another one.
    pub(super) fn next_released(&self, now: Instant) -> Option<Instant> {
        self.held.values().filter(|until| **until > now).min().copied()
    }

    /// The conversations, the one that was last spoken in last; each with how many are unread.
    pub(super) fn peers(&self) -> Vec<(Peer, usize)> {
        let mut seen: Vec<(Peer, usize)> = Vec::new();
        let mut place: HashMap<Peer, usize> = HashMap::new();
        for (message, _) in self.messages.values().rev() {
            let at = *place.entry(message.peer).or_insert_with(|| {
                seen.push((message.peer, 0));
                seen.len() - 1
            });
            seen[at].1 += usize::from(message.is_unread());
        }
        seen.reverse();
        seen
    }

    /// Forgets a conversation, or all of them.
    pub(super) fn forget(&mut self, peer: Option<&Peer>) -> Changes {
        let gone = self.messages.values().map(|(message, _)| message);
        let gone = gone.filter(|message| peer.is_none_or(|peer| message.peer == *peer));
        let removed: Vec<_> = gone.map(|message| message.no).collect();
        for no in &removed {
            self.remove(*no);
        }
        Changes { removed, ..Changes::default() }
    }

    fn of(&self, peer: &Peer) -> impl Iterator<Item = &Message> {
        let peer = *peer;
        self.messages.values().map(|(message, _)| message).filter(move |m| m.peer == peer)
    }

    fn put(&mut self, message: Message) {
        self.version += 1;
        let no = message.no;
        self.bytes += message.cost();
        if message.is_unread() {
            self.unread.insert(no);
            self.unread_bytes += message.cost();
        }
        self.by_letter.insert(message.letter, no);
        self.by_version.insert(self.version, no);
        self.messages.insert(no, (message, self.version));
    }

    /// Changes a message, if `change` says that it did.
    fn change(&mut self, no: u64, change: impl FnOnce(&mut Message) -> bool) -> Changes {
        let Some((message, _)) = self.messages.get(&no) else { return Changes::default() };
        let mut message = message.clone();
        if !change(&mut message) {
            return Changes::default();
        }
        let held = self.held.get(&no).copied();
        self.remove(no);
        self.put(message.clone());
        if let Some(held) = held.filter(|_| message.is_unread()) {
            self.held.insert(no, held);
        }
        Changes { written: vec![message], ..Changes::default() }
    }
}

#[cfg(test)]
mod tests;
