//! Which letters are new, which the application has, and what the gateway is to be told: without
//! I/O and without a clock.

#![deny(clippy::disallowed_methods)]

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, SystemTime};

use mixbed_wire::MailboxSecret;
use mixbed_wire::letter::{Letter, LetterId, SealedLetter};
use mixbed_wire::message::{Collect, MAX_IDS};

/// Letters that were accepted are remembered for so long; older ones that come are not taken for
/// new. No gateway keeps letters for that long.
pub(super) const REMEMBERED: Duration = Duration::from_secs(14 * 24 * 3600);

/// The most that are remembered: 100,000 take about 10 MB.
const MOST_REMEMBERED: usize = 100_000;

/// Senders' clocks may be off by this much. A letter from further in the future is thrown away: it
/// would have to be remembered until then. And what was sent since this long ago is taken for new
/// however many letters came, so that nobody can make a mailbox deaf to what is sent now.
///
/// A letter comes twice only if a gateway brings it again, and more than [`MOST_REMEMBERED`] were
/// accepted within twice this time: 170 a second. One question brings about eight.
const OFF: Duration = Duration::from_secs(5 * 60);

/// Bytes of letters asked for at a time: what about eight packets bring.
const ROOM: u32 = 16 << 10;

/// What is to be written down before the gateway is told to forget a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Letters that the application has now, and when they were sealed, or accepted if their
    /// senders' clocks were ahead.
    pub(super) accepted: Vec<(LetterId, SystemTime)>,
    /// Letters that need not be remembered any more.
    pub(super) forgotten: Vec<LetterId>,
    /// Letters sealed at this time or before are not taken for new.
    pub(super) floor: Option<SystemTime>,
}

/// A mailbox's letters on their way to the application.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    accepted: HashMap<LetterId, SystemTime>,
    by_time: BTreeSet<(SystemTime, LetterId)>,
    floor: Option<SystemTime>,
    waiting: VecDeque<Letter>,
    /// Given to the application, which has not accepted them yet.
    given: HashMap<LetterId, SystemTime>,
    /// Of no more use at the gateway.
    done: VecDeque<LetterId>,
    discarded: u64,
}

impl Inbox {
    /// What was written down before.
    pub(super) fn restore(
        accepted: impl IntoIterator<Item = (LetterId, SystemTime)>,
        floor: Option<SystemTime>,
    ) -> Self {
        let mut inbox = Self { floor, ..Self::default() };
        for (id, at) in accepted {
            inbox.accepted.insert(id, at);
            inbox.by_time.insert((at, id));
        }
        inbox
    }

    /// What to say to the gateway next.
    pub(super) fn command(&self) -> Collect {
        let held: Vec<_> =
            self.waiting.iter().map(|letter| letter.id).chain(self.given.keys().copied()).collect();
        // With more at hand than the gateway can be told of, there is no need for others.
        let room = if held.len() < MAX_IDS { ROOM } else { 0 };
        Collect {
            room,
            taken: self.done.iter().take(MAX_IDS).copied().collect(),
            held: held.into_iter().take(MAX_IDS).collect(),
        }
    }

    /// Whether the gateway is to be told of letters that it need not keep.
    pub(super) fn has_done(&self) -> bool {
        !self.done.is_empty()
    }

    /// The gateway's answer to a command.
    pub(super) fn handle_letters(
        &mut self,
        command: &Collect,
        letters: &[SealedLetter],
        network: &str,
        key: &MailboxSecret,
        now: SystemTime,
    ) {
        let told: HashSet<_> = command.taken.iter().collect();
        self.done.retain(|id| !told.contains(id));
        for sealed in letters {
            let id = sealed.id();
            if self.given.contains_key(&id) || self.waiting.iter().any(|letter| letter.id == id) {
                continue;
            }
            if !self.accepted.contains_key(&id) {
                match sealed.open(network, key) {
                    Ok(letter) if self.is_new(&letter, now) => {
                        self.waiting.push_back(letter);
                        continue;
                    }
                    Ok(_) => tracing::warn!(%id, "a letter of another time was thrown away"),
                    Err(error) => tracing::warn!(%id, %error, "a letter was thrown away"),
                }
                self.discarded += 1;
            }
            if !self.done.contains(&id) {
                self.done.push_back(id);
            }
        }
    }

    fn is_new(&self, letter: &Letter, now: SystemTime) -> bool {
        self.floor.is_none_or(|floor| letter.sent > floor)
            && letter.sent.duration_since(now).unwrap_or_default() <= OFF
    }

    /// The next letter for the application.
    pub(super) fn poll_letter(&mut self) -> Option<Letter> {
        let letter = self.waiting.pop_front()?;
        self.given.insert(letter.id, letter.sent);
        Some(letter)
    }

    /// What accepting a letter changes; nothing if it was not given. It counts once these are
    /// written down and [`handle_accepted`](Self::handle_accepted) says so.
    pub(super) fn accept(&self, id: LetterId, now: SystemTime) -> Option<Changes> {
        // Who dates letters ahead is not to have them remembered for longer than others'.
        let at = now.min(*self.given.get(&id)?);
        let mut changes = Changes { accepted: vec![(id, at)], ..Changes::default() };
        let mut left = self.accepted.len();
        for (at, old) in &self.by_time {
            let age = now.duration_since(*at).unwrap_or_default();
            if age < REMEMBERED && left < MOST_REMEMBERED {
                break;
            }
            left -= 1;
            changes.forgotten.push(*old);
            // It may have been dated ahead.
            let floor = (*at + OFF).min(now - OFF);
            changes.floor = self.floor.max(Some(floor));
        }
        Some(changes)
    }

    /// These changes are written down.
    pub(super) fn handle_accepted(&mut self, changes: &Changes) {
        for (id, at) in &changes.accepted {
            self.given.remove(id);
            self.accepted.insert(*id, *at);
            self.by_time.insert((*at, *id));
            self.done.push_back(*id);
        }
        for id in &changes.forgotten {
            if let Some(at) = self.accepted.remove(id) {
                self.by_time.remove(&(at, *id));
            }
        }
        self.floor = self.floor.max(changes.floor);
    }

    /// Letters that could not be read, or were of another time.
    pub(super) fn discarded(&self) -> u64 {
        self.discarded
    }
}

#[cfg(test)]
mod tests;
