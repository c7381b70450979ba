//! A run as it goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mixbed_monero::TxId;
use mixbed_operator::api::{BroadcastPhase, Report};

use super::entry::{Entry, State, millis};
use super::saved::KEPT;
use super::{Counts, Outcome, Plan, Saved, Unresolved, latency};

/// From an attempt of which nothing is known to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest word of a provider, a wallet or a monerod that is kept, in characters.
const WORDS: usize = 300;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every transaction is in a block.
    Complete,
    /// It ended otherwise.
    Failed {
        /// One CamelCase word why.
        reason: String,
        /// The same in words.
        message: String,
    },
    /// It was ended on purpose.
    Cancelled,
}

/// A transaction that is to be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number in the run.
    pub number: u32,
    /// Its bytes.
    pub raw: Arc<[u8]>,
}

/// A run. Everything that is told to it is a `handle_…`, everything that is to be done a
/// `poll_…`.
#[derive(Clone, Debug)]
pub struct Run {
    pub(super) plan: Plan,
    pub(super) entries: BTreeMap<u32, Entry>,
    /// When the next one may be ordered; `None`: sending has not begun.
    pub(super) slot: Option<Duration>,
    /// When this process made its first one, how many since, and when the last.
    makes: Option<(Duration, u32, Duration)>,
    /// What it waits for, in words.
    trouble: String,
    pub(super) end: Option<End>,
    /// Counts the changes.
    pub(super) revision: u64,
    /// The newest change that is written down.
    written: u64,
    /// The most blocks that a monerod in step had, and since when all have fewer by far.
    pub(super) best: u64,
    pub(super) fallen: Option<Duration>,
}

impl Run {
    /// One that has not begun.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            entries: BTreeMap::new(),
            slot: None,
            makes: None,
            trouble: String::new(),
            end: None,
            revision: 1,
            written: 0,
            best: 0,
            fallen: None,
        }
    }

    /// What is wanted.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The number that a transaction is to be made for next, and how many are missing with it;
    /// `None`: enough are made.
    #[must_use]
    pub fn poll_make(&self) -> Option<(u32, u32)> {
        let ahead = self.plan.ahead(self.making().unwrap_or_default());
        if self.end.is_some() || self.made() >= ahead {
            return None;
        }
        let number = (1..=self.plan.wanted).find(|number| !self.entries.contains_key(number))?;
        Some((number, self.missing()))
    }

    /// How many transactions are still to be made.
    #[must_use]
    pub fn missing(&self) -> u32 {
        self.plan.wanted.saturating_sub(u32::try_from(self.entries.len()).unwrap_or(u32::MAX))
    }

    /// How many are ready to be sent.
    fn made(&self) -> usize {
        self.entries.values().filter(|entry| entry.state == State::Made).count()
    }

    /// How long making one takes, once that can be told: of three, as the first takes longer.
    fn making(&self) -> Option<Duration> {
        let (first, further, last) = self.makes?;
        (further >= 2).then(|| last.saturating_sub(first) / further)
    }

    /// The wallet has made one.
    pub fn handle_made(&mut self, number: u32, txid: TxId, raw: Arc<[u8]>, now: Duration) {
        if !(1..=self.plan.wanted).contains(&number) || self.entries.contains_key(&number) {
            return;
        }
        self.revision += 1;
        self.entries.insert(number, Entry::made(txid, raw, self.revision));
        self.makes = match self.makes {
            None => Some((now, 0, now)),
            Some((first, further, _)) => Some((first, further + 1, now)),
        };
    }

    /// What is to be sent now: first what was sent before to no avail, then the next new one, if
    /// it is its time and it is written down.
    pub fn poll_send(&mut self, now: Duration) -> Option<Order> {
        if self.end.is_some() || now >= self.plan.until {
            return None;
        }
        if self.entries.values().filter(|entry| entry.busy).count() >= self.plan.window {
            return None;
        }
        let again = self.entries.iter_mut().find(|(_, entry)| entry.is_due(now));
        if let Some((number, entry)) = again
            && let Some(raw) = entry.raw.clone()
        {
            (entry.busy, entry.again, entry.missing) = (true, None, None);
            return Some(Order { number: *number, raw });
        }
        if !self.has_begun() || self.slot.is_some_and(|slot| now < slot) {
            return None;
        }
        let written = self.written;
        let (number, entry) = self.entries.iter_mut().find(|(_, e)| e.is_ready(written))?;
        let raw = entry.raw.clone()?;
        (entry.state, entry.busy, entry.ordered) = (State::Submitted, true, Some(now));
        // A millisecond's delay does not shift all others; what is later is not made up for.
        let punctual = self.slot.filter(|slot| now.saturating_sub(*slot) < self.plan.interval);
        self.slot = Some(punctual.unwrap_or(now) + self.plan.interval);
        self.revision += 1;
        Some(Order { number: *number, raw })
    }

    /// Whether new ones are sent already, or may be now.
    fn has_begun(&self) -> bool {
        self.slot.is_some() || self.plan.may_begin(self.made(), self.missing(), self.making())
    }

    /// When to poll again, if nothing is told meanwhile.
    #[must_use]
    pub fn poll_at(&self) -> Duration {
        let mut at = self.plan.until;
        let begun = self.has_begun();
        for entry in self.entries.values() {
            if begun && entry.is_ready(self.written) {
                at = at.min(self.slot.unwrap_or_default());
            }
            if let (false, Some(again)) = (entry.busy, entry.again) {
                at = at.min(again);
            }
        }
        at
    }

    /// An attempt has ended.
    pub fn handle_outcome(&mut self, number: u32, outcome: Outcome, now: Duration) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        entry.busy = false;
        self.revision += 1;
        match outcome {
            Outcome::Accepted { provider, trace_id } => {
                // The first word counts; a later one is of a transaction that was lost.
                if entry.latency.is_none() {
                    entry.latency = entry.ordered.map(|at| now.saturating_sub(at));
                    (entry.provider, entry.trace_id) = (Some(provider), trace_id);
                }
                if entry.state == State::Submitted {
                    entry.state = State::Accepted;
                }
                entry.words = None;
            }
            Outcome::Rejected { words } if !entry.is_resolved() => {
                entry.state = State::Failed;
                entry.words = Some(format!("Rejected: {}", short(&words)));
                entry.raw = None;
            }
            Outcome::Unknown { words } if !entry.is_resolved() => {
                entry.words = Some(short(&words));
                entry.again = Some(now + PAUSE);
            }
            Outcome::Rejected { .. } | Outcome::Unknown { .. } => {}
        }
    }

    /// What it waits for or what holds it up, in words; empty if nothing does.
    pub fn handle_trouble(&mut self, words: &str) {
        let words = short(words);
        if self.trouble != words {
            self.trouble = words;
            self.revision += 1;
        }
    }

    /// All changes up to this one are written down.
    pub fn handle_written(&mut self, revision: u64) {
        self.written = self.written.max(revision);
    }

    /// It is to end at once.
    pub fn handle_cancel(&mut self) {
        self.finish(End::Cancelled);
    }

    /// It cannot go on.
    pub fn handle_fatal(&mut self, reason: &str, message: &str) {
        self.finish(End::Failed { reason: reason.to_owned(), message: short(message) });
    }

    /// Looks whether it is over.
    pub fn handle_time(&mut self, now: Duration) {
        let wanted = self.plan.wanted;
        let resolved = self.entries.values().filter(|e| e.is_resolved() && !e.busy).count();
        if resolved == usize::try_from(wanted).unwrap_or(usize::MAX) {
            let counts = self.counts();
            if counts.mined == wanted {
                return self.finish(End::Complete);
            }
            let first = self.entries.values().find_map(|entry| entry.words.clone());
            let message =
                format!("{} of {wanted} failed: {}", counts.failed, first.unwrap_or_default());
            return self.finish(End::Failed { reason: "Rejected".to_owned(), message });
        }
        if now >= self.plan.until {
            self.give_up(|entry| match (entry.state, &entry.words) {
                (State::Accepted, _) => "not mined before the deadline".to_owned(),
                (_, Some(words)) => format!("not accepted before the deadline: {words}"),
                (_, None) => "not accepted before the deadline".to_owned(),
            });
            let left = wanted - self.counts().mined;
            let deadline = humantime::format_duration(self.plan.deadline).to_string();
            let mut message =
                format!("deadline of {} passed, {left} not mined", deadline.replace(' ', ""));
            if !self.trouble.is_empty() {
                message = format!("{message}; {}", self.trouble);
            }
            self.finish(End::Failed { reason: "DeadlineExceeded".to_owned(), message });
        }
    }

    /// Everything that was sent and is not resolved has failed.
    pub(super) fn give_up(&mut self, why: impl Fn(&Entry) -> String) {
        for entry in self.entries.values_mut() {
            if matches!(entry.state, State::Submitted | State::Accepted) {
                entry.words = Some(why(entry));
                entry.state = State::Failed;
            }
        }
    }

    pub(super) fn finish(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
            self.revision += 1;
        }
    }

    /// Its counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(self.plan.wanted, &self.report().transactions)
    }

    /// How far it is.
    #[must_use]
    pub fn phase(&self) -> BroadcastPhase {
        match &self.end {
            Some(End::Complete) => BroadcastPhase::Succeeded,
            Some(End::Failed { .. }) => BroadcastPhase::Failed,
            Some(End::Cancelled) => BroadcastPhase::Cancelled,
            None if self.entries.is_empty() => BroadcastPhase::Funding,
            None if self.missing() > 0 => BroadcastPhase::Running,
            None if self.entries.values().any(|e| e.state == State::Made) => {
                BroadcastPhase::Running
            }
            None => BroadcastPhase::Mining,
        }
    }

    /// What it tells of itself.
    #[must_use]
    pub fn report(&self) -> Report {
        let transactions: Vec<_> =
            self.entries.iter().filter_map(|(number, entry)| entry.reported(*number)).collect();
        let latency = latency(&transactions);
        let counts = Counts::of(self.plan.wanted, &transactions);
        let (reason, message) = match &self.end {
            Some(End::Failed { reason, message }) => (Some(reason.clone()), message.clone()),
            Some(End::Cancelled) => (Some("Cancelled".to_owned()), format!("cancelled: {counts}")),
            Some(End::Complete) => (None, format!("all {} mined", counts.wanted)),
            None if counts.submitted == 0 && !self.trouble.is_empty() => {
                (None, self.trouble.clone())
            }
            None if counts.submitted == 0 => {
                (None, format!("{} of {} made", self.made(), counts.wanted))
            }
            None if self.trouble.is_empty() => (None, counts.to_string()),
            None => (None, format!("{counts}; {}", self.trouble)),
        };
        let wanted = self.plan.wanted;
        Report { phase: self.phase(), message, reason, wanted, latency, transactions }
    }

    /// What is to be written down, and the change that it is up to.
    #[must_use]
    pub fn saved(&self) -> (u64, Saved) {
        let mut unresolved = Vec::new();
        if self.end.is_none() {
            let mut room = KEPT;
            // Who has no provider's word yet first: the others are in a monerod's pool already.
            for accepted in [false, true] {
                for (number, entry) in &self.entries {
                    let Some(raw) = &entry.raw else { continue };
                    if (entry.state == State::Accepted) != accepted || room < raw.len() * 2 {
                        continue;
                    }
                    room -= raw.len() * 2;
                    let ordered_ms = entry.ordered.map(millis);
                    unresolved.push(Unresolved {
                        number: *number,
                        ordered_ms,
                        hex: hex::encode(raw),
                    });
                }
            }
            unresolved.sort_by_key(|one| one.number);
        }
        (self.revision, Saved { report: self.report(), unresolved })
    }

    /// Whether something is not written down yet.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.written < self.revision
    }
}

impl Entry {
    /// To be sent again.
    fn is_due(&self, now: Duration) -> bool {
        let open = matches!(self.state, State::Submitted | State::Accepted);
        open && !self.busy && self.raw.is_some() && self.again.is_some_and(|at| at <= now)
    }

    /// Made, and written down.
    fn is_ready(&self, written: u64) -> bool {
        self.state == State::Made && self.since <= written
    }
}

pub(super) fn short(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(WORDS).collect()
}
