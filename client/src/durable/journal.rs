//! The rules: what is taken on, what comes of it, what is forgotten. No I/O, no clock.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_monero::TxId;
use rand::Rng;

use super::watch::{FoundOut, Watch};
use super::{BroadcastRecord, BroadcastState};
use crate::broadcast::{BroadcastError, BroadcastOptions, BroadcastReport, Located, draw_wait};
use crate::request::RequestError;

/// How much a journal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Broadcasts of which there is no word. Default 256.
    pub pending: usize,
    /// Their bytes, which are in memory as well. Default 32 MiB.
    pub pending_bytes: usize,
    /// Accepted ones that are watched until they are in a block, in no more bytes than those above;
    /// further ones end when they are accepted. Default 1,000.
    pub watched: usize,
    /// Broadcasts that have ended, of which the oldest are forgotten. Default 1,000.
    pub ended: usize,
    /// How long they are remembered at most. Default 7 days.
    pub ended_age: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            pending: 256,
            pending_bytes: 32 << 20,
            watched: 1000,
            ended: 1000,
            ended_age: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// One broadcast, with all that is needed to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) record: BroadcastRecord,
    /// The provider that was asked for.
    pub(super) provider: Option<String>,
    pub(super) traced: bool,
    /// How long it takes from monerod to monerod.
    pub(super) propagation: Duration,
    /// How long it is to wait at a provider before it is handed in; none once that has failed.
    pub(super) wait: Option<Duration>,
    /// How long one try may take, as it was ordered.
    pub(super) deadline: Duration,
    /// The transaction; none once it has ended.
    pub(super) raw: Option<Arc<[u8]>>,
    pub(super) watch: Watch,
}

/// What an order is answered with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is to be written down, then begun.
    New(Box<Entry>),
    /// The same transaction is under way.
    Pending,
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full {
    pub(super) pending: usize,
    pub(super) bytes: usize,
}

/// What is next of one that has not ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is to be sent, when it is its turn.
    Send,
    /// It is to be looked for then.
    Look(SystemTime),
    /// Nothing: it has ended, or is not known.
    Nothing,
}

/// What is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) raw: Arc<[u8]>,
    pub(super) options: BroadcastOptions,
    /// It is to wait at the provider, so long.
    pub(super) wait: Option<Duration>,
}

/// The longest single try: then the document, and what is known of providers, is looked at afresh.
const TRY: Duration = Duration::from_secs(600);

/// All broadcasts, by transaction.
#[derive(Debug)]
pub(super) struct Journal {
    bounds: Bounds,
    entries: BTreeMap<TxId, Entry>,
}

impl Journal {
    pub(super) fn new(bounds: Bounds, entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries = entries.into_iter().map(|entry| (entry.record.txid, entry)).collect();
        Self { bounds, entries }
    }

    /// Takes a transaction on. One that is under way stays as it is; one that has ended, or is only
    /// watched, begins anew.
    pub(super) fn handle_order<R: Rng + ?Sized>(
        &mut self,
        txid: TxId,
        raw: &[u8],
        options: &BroadcastOptions,
        now: SystemTime,
        rng: &mut R,
    ) -> Result<Taken, Full> {
        if self.entries.get(&txid).is_some_and(Entry::is_pending) {
            return Ok(Taken::Pending);
        }
        let pending = self.pending().count();
        let bytes = self.pending().map(|entry| entry.record.bytes).sum();
        if pending >= self.bounds.pending || bytes + raw.len() > self.bounds.pending_bytes {
            return Err(Full { pending, bytes });
        }
        let wait = options.random_wait.map(|mean| draw_wait(mean, rng));
        let time = options.deadline.saturating_add(wait.unwrap_or_default());
        let record = BroadcastRecord {
            txid,
            bytes: raw.len(),
            ordered: now,
            expires: now.checked_add(time).unwrap_or(now + LONGEST).min(now + LONGEST),
            tries: 0,
            trouble: None,
            confirm: options.confirm,
            looks: 0,
            found_out: Vec::new(),
            state: BroadcastState::Pending,
            report: None,
        };
        let entry = Entry {
            record,
            provider: options.provider.clone(),
            traced: options.traced,
            propagation: options.propagation,
            wait,
            deadline: options.deadline,
            raw: Some(raw.into()),
            watch: Watch::default(),
        };
        self.entries.insert(txid, entry.clone());
        Ok(Taken::New(Box::new(entry)))
    }

    /// Takes back what could not be written down.
    pub(super) fn handle_unwritten(&mut self, txid: TxId) {
        self.entries.remove(&txid);
    }

    /// What is to be done next. At its end the broadcast has expired.
    pub(super) fn next<R: Rng + ?Sized>(
        &mut self,
        txid: TxId,
        now: SystemTime,
        rng: &mut R,
    ) -> Next {
        let Some(entry) = self.entries.get_mut(&txid) else { return Next::Nothing };
        if entry.record.state.has_ended() {
            return Next::Nothing;
        }
        if entry.record.expires <= now {
            entry.expire(now);
            return Next::Nothing;
        }
        let expires = entry.record.expires;
        entry.look_at(now, rng).map_or(Next::Send, |at| Next::Look(at.min(expires)))
    }

    /// It is its turn to be sent; counts as a try.
    pub(super) fn handle_turn(&mut self, txid: TxId, now: SystemTime) -> Option<Turn> {
        let entry = self.entries.get_mut(&txid)?;
        let raw = entry.raw.clone().filter(|_| entry.record.state == BroadcastState::Pending)?;
        entry.record.tries = entry.record.tries.saturating_add(1);
        let left = entry.record.expires.duration_since(now).unwrap_or_default();
        let options = BroadcastOptions {
            deadline: left.min(TRY),
            traced: entry.traced,
            provider: entry.provider.clone(),
            not: entry.record.found_out.clone(),
            // That is looked for later, and longer.
            confirm: false,
            ..BroadcastOptions::default()
        };
        Some(Turn { raw, options, wait: entry.wait })
    }

    /// A try has ended. What is no word of monerod's is no end: it is tried again.
    pub(super) fn handle_result(
        &mut self,
        txid: TxId,
        result: Result<BroadcastReport, BroadcastError>,
        now: SystemTime,
    ) {
        let watched = self.entries.values().filter(|entry| entry.is_watched());
        let (count, bytes) =
            watched.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.record.bytes));
        let bounds = self.bounds;
        let Some(entry) = self.entries.get_mut(&txid) else { return };
        match result {
            Ok(report) => {
                let provider = report.provider.clone();
                let (already_known, held) = (report.already_known, report.held);
                entry.record.report = Some(report);
                if let Some(wait) = held {
                    let until = now + wait;
                    entry.record.expires = entry.record.expires.max(until + entry.deadline);
                    entry.record.state = BroadcastState::Held { provider, until };
                    entry.record.looks = 0;
                    entry.watch = Watch::default();
                    return;
                }
                let watched =
                    count < bounds.watched && bytes + entry.record.bytes <= bounds.pending_bytes;
                let confirmed_by = None;
                let at = now;
                let state =
                    BroadcastState::Accepted { provider, already_known, at, confirmed_by, watched };
                if watched { entry.accept(state) } else { entry.end(state) }
            }
            Err(BroadcastError::Rejected { words, provider, .. }) => {
                entry.end(BroadcastState::Rejected { provider, words, at: now });
            }
            Err(BroadcastError::Request(RequestError::Stopped)) => {}
            Err(error) => {
                entry.record.trouble = Some(error.to_string());
                if entry.record.expires <= now {
                    entry.expire(now);
                }
            }
        }
    }

    /// Whoever asks for it is told whom not to ask, if there is somebody else.
    pub(super) fn handle_look(&self, txid: TxId) -> Vec<String> {
        self.entries.get(&txid).map(Entry::not).unwrap_or_default()
    }

    /// What came of a look; says who was found out by it.
    pub(super) fn handle_located(
        &mut self,
        txid: TxId,
        located: Result<Located, String>,
        now: SystemTime,
    ) -> Option<FoundOut> {
        let entry = self.entries.get_mut(&txid)?;
        if entry.record.state.has_ended() {
            return None;
        }
        entry.handle_located(located, now)
    }

    /// Forgets what ended long ago; says what.
    pub(super) fn forget(&mut self, now: SystemTime) -> Vec<TxId> {
        let mut ended: Vec<_> = self
            .entries
            .values()
            .filter_map(|entry| Some((entry.record.state.ended_at()?, entry.record.txid)))
            .collect();
        ended.sort_unstable();
        let too_many = ended.len().saturating_sub(self.bounds.ended);
        let mut forgotten = Vec::new();
        for (position, (at, txid)) in ended.into_iter().enumerate() {
            let age = now.duration_since(at).unwrap_or_default();
            if position < too_many || age > self.bounds.ended_age {
                self.entries.remove(&txid);
                forgotten.push(txid);
            }
        }
        forgotten
    }

    pub(super) fn entry(&self, txid: TxId) -> Option<&Entry> {
        self.entries.get(&txid)
    }

    /// All records, the oldest order first.
    pub(super) fn records(&self) -> Vec<BroadcastRecord> {
        let mut records: Vec<_> = self.entries.values().map(|entry| entry.record.clone()).collect();
        records.sort_by_key(|record| (record.ordered, record.txid));
        records
    }

    fn pending(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| entry.is_pending())
    }
}

impl Entry {
    pub(super) fn end(&mut self, state: BroadcastState) {
        self.record.state = state;
        self.raw = None;
        self.watch = Watch::default();
    }

    fn expire(&mut self, now: SystemTime) {
        if let BroadcastState::Accepted { provider, .. } = &self.record.state {
            let words = format!("{provider} accepted it, and it came into no block");
            self.record.trouble = Some(words);
        }
        self.end(BroadcastState::Expired { at: now });
    }

    fn is_pending(&self) -> bool {
        !self.record.state.is_settled()
    }

    fn is_watched(&self) -> bool {
        matches!(self.record.state, BroadcastState::Accepted { watched: true, .. })
    }
}

/// The longest that a broadcast is kept: outputs and fees of a year ago are no longer good.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests;
