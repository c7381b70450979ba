//! The rules: what is taken on, what comes of it, what is forgotten. No I/O, no clock.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_monero::TxId;

use super::{BroadcastRecord, BroadcastState};
use crate::broadcast::{BroadcastError, BroadcastOptions, BroadcastReport};
use crate::request::RequestError;

/// How much a journal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Broadcasts that have not ended. Default 256.
    pub pending: usize,
    /// Their bytes, which are in memory as well. Default 32 MiB.
    pub pending_bytes: usize,
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
    /// The transaction; none once it has ended.
    pub(super) raw: Option<Arc<[u8]>>,
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

/// What is to be done with one that has not ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Send these bytes.
    Try(Arc<[u8]>, BroadcastOptions),
    /// Nothing: it has ended, or is not known.
    Ended,
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

    /// Takes a transaction on. One that is under way stays as it is; one that has ended begins anew.
    pub(super) fn handle_order(
        &mut self,
        txid: TxId,
        raw: &[u8],
        options: &BroadcastOptions,
        now: SystemTime,
    ) -> Result<Taken, Full> {
        if self.is_pending(txid) {
            return Ok(Taken::Pending);
        }
        let pending = self.pending().count();
        let bytes = self.pending().map(|entry| entry.record.bytes).sum();
        if pending >= self.bounds.pending || bytes + raw.len() > self.bounds.pending_bytes {
            return Err(Full { pending, bytes });
        }
        let record = BroadcastRecord {
            txid,
            bytes: raw.len(),
            ordered: now,
            expires: now.checked_add(options.deadline).unwrap_or(now + LONGEST).min(now + LONGEST),
            tries: 0,
            trouble: None,
            state: BroadcastState::Pending,
            report: None,
        };
        let (provider, traced) = (options.provider.clone(), options.traced);
        let entry = Entry { record, provider, traced, raw: Some(raw.into()) };
        self.entries.insert(txid, entry.clone());
        Ok(Taken::New(Box::new(entry)))
    }

    /// Takes back what could not be written down.
    pub(super) fn handle_unwritten(&mut self, txid: TxId) {
        self.entries.remove(&txid);
    }

    /// What is to be done now. Counts as a try; at its end the broadcast has expired.
    pub(super) fn handle_turn(&mut self, txid: TxId, now: SystemTime) -> Turn {
        let Some(entry) = self.entries.get_mut(&txid) else { return Turn::Ended };
        let (false, Some(raw)) = (entry.record.state.has_ended(), entry.raw.clone()) else {
            return Turn::Ended;
        };
        let left = entry.record.expires.duration_since(now).unwrap_or_default();
        if left.is_zero() {
            entry.end(BroadcastState::Expired { at: now });
            return Turn::Ended;
        }
        entry.record.tries = entry.record.tries.saturating_add(1);
        let (provider, traced) = (entry.provider.clone(), entry.traced);
        let options = BroadcastOptions {
            deadline: left.min(TRY),
            traced,
            provider,
            ..BroadcastOptions::default()
        };
        Turn::Try(raw, options)
    }

    /// A try has ended. What is no word of monerod's is no end: it is tried again.
    pub(super) fn handle_result(
        &mut self,
        txid: TxId,
        result: Result<BroadcastReport, BroadcastError>,
        now: SystemTime,
    ) {
        let Some(entry) = self.entries.get_mut(&txid) else { return };
        match result {
            Ok(report) => {
                let BroadcastReport { already_known, .. } = report;
                let provider = report.provider.clone();
                entry.record.report = Some(report);
                entry.end(BroadcastState::Accepted {
                    provider,
                    already_known,
                    at: now,
                    mined: None,
                });
            }
            Err(BroadcastError::Rejected { words, provider, .. }) => {
                entry.end(BroadcastState::Rejected { provider, words, at: now });
            }
            Err(BroadcastError::Request(RequestError::Stopped)) => {}
            Err(error) => {
                entry.record.trouble = Some(error.to_string());
                if entry.record.expires <= now {
                    entry.end(BroadcastState::Expired { at: now });
                }
            }
        }
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

    fn is_pending(&self, txid: TxId) -> bool {
        self.entries.get(&txid).is_some_and(|entry| !entry.record.state.has_ended())
    }

    fn pending(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| !entry.record.state.has_ended())
    }
}

impl Entry {
    fn end(&mut self, state: BroadcastState) {
        self.record.state = state;
        self.raw = None;
    }
}

/// The longest that a broadcast is kept: outputs and fees of a year ago are no longer good.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn txid(number: u8) -> TxId {
        TxId::from([number; 32])
    }

    fn journal() -> Journal {
        Journal::new(
            Bounds { pending: 2, pending_bytes: 100, ended: 3, ended_age: 10 * MINUTE },
            [],
        )
    }

    fn order(journal: &mut Journal, number: u8, now: u64) -> Result<Taken, Full> {
        let options = BroadcastOptions::default();
        journal.handle_order(txid(number), &[number; 40], &options, at(now))
    }

    fn rejected() -> BroadcastError {
        let (words, provider) = ("the fee is too low".to_owned(), "provider-0".to_owned());
        BroadcastError::Rejected { words, flags: Vec::new(), provider }
    }

    fn silent() -> BroadcastError {
        BroadcastError::DeadlinePassed { deadline: MINUTE, tried: "3 packets".to_owned() }
    }

    fn report(number: u8) -> BroadcastReport {
        BroadcastReport {
            txid: txid(number),
            already_known: true,
            trace_id: None,
            provider: "provider-1".to_owned(),
            elapsed: MINUTE,
            packets_sent: 1,
            packets_received: 1,
            retransmissions: 0,
            mixing_delay: MINUTE,
            monerod_time: MINUTE,
            monerod_attempts: 1,
            held: None,
            confirmed_by: None,
            found_out: Vec::new(),
        }
    }

    #[test]
    fn it_is_tried_until_there_is_a_word_and_never_after() {
        let mut journal = journal();
        assert!(matches!(order(&mut journal, 1, 0), Ok(Taken::New(_))));
        for tries in 1..4 {
            let Turn::Try(raw, options) = journal.handle_turn(txid(1), at(10)) else {
                panic!("it has not ended")
            };
            assert_eq!((&raw[..], options.deadline), (&[1; 40][..], 50 * MINUTE / 60));
            journal.handle_result(txid(1), Err(silent()), at(20));
            let record = &journal.entry(txid(1)).expect("known").record;
            assert_eq!((record.tries, &record.state), (tries, &BroadcastState::Pending));
            assert!(record.trouble.as_ref().is_some_and(|words| words.contains("3 packets")));
        }
        journal.handle_result(txid(1), Ok(report(1)), at(30));
        let entry = journal.entry(txid(1)).expect("known");
        let BroadcastState::Accepted { provider, already_known: true, at: when, mined: None } =
            &entry.record.state
        else {
            panic!("{entry:?}")
        };
        assert_eq!((provider.as_str(), *when, &entry.raw), ("provider-1", at(30), &None));
        assert_eq!(journal.handle_turn(txid(1), at(31)), Turn::Ended);
    }

    #[test]
    fn a_refusal_ends_it_and_so_does_time_but_not_the_end_of_the_process() {
        let mut journal = journal();
        order(&mut journal, 1, 0).expect("taken");
        order(&mut journal, 2, 0).expect("taken");
        journal.handle_result(txid(1), Err(RequestError::Stopped.into()), at(99));
        let state = |journal: &Journal, number| {
            journal.entry(txid(number)).expect("known").record.state.name()
        };
        assert_eq!(state(&journal, 1), "pending");
        journal.handle_result(txid(1), Err(rejected()), at(5));
        assert_eq!(state(&journal, 1), "rejected");
        assert_eq!(journal.handle_turn(txid(2), at(60)), Turn::Ended);
        assert_eq!(state(&journal, 2), "expired");
        order(&mut journal, 2, 61).expect("taken again");
        journal.handle_result(txid(2), Err(silent()), at(130));
        assert_eq!(state(&journal, 2), "expired");
    }

    #[test]
    fn the_same_transaction_is_one_broadcast_and_there_are_not_too_many() {
        let mut journal = journal();
        order(&mut journal, 1, 0).expect("taken");
        assert_eq!(order(&mut journal, 1, 5), Ok(Taken::Pending));
        order(&mut journal, 2, 0).expect("taken");
        assert_eq!(order(&mut journal, 3, 0), Err(Full { pending: 2, bytes: 80 }));
        journal.handle_result(txid(1), Err(rejected()), at(5));
        assert!(matches!(order(&mut journal, 1, 6), Ok(Taken::New(_))), "again, if it is wished");
        journal.handle_unwritten(txid(1));
        let options = BroadcastOptions { deadline: Duration::MAX, ..BroadcastOptions::default() };
        let large = journal.handle_order(txid(4), &[0; 61], &options, at(6));
        assert_eq!(large, Err(Full { pending: 1, bytes: 40 }));
        let taken = journal.handle_order(txid(4), &[0; 60], &options, at(6));
        let Ok(Taken::New(entry)) = taken else { panic!("{taken:?}") };
        assert_eq!(entry.record.expires, at(6) + LONGEST);
    }

    #[test]
    fn what_has_ended_is_forgotten_in_time_and_what_has_not_never() {
        let mut journal = journal();
        for number in 1..=5 {
            order(&mut journal, number, 0).expect("taken");
            journal.handle_result(txid(number), Ok(report(number)), at(number.into()));
        }
        order(&mut journal, 6, 0).expect("taken");
        assert_eq!(journal.forget(at(10)), [txid(1), txid(2)], "all but three");
        assert_eq!(journal.forget(at(604)), [txid(3)], "older than ten minutes");
        assert_eq!(journal.forget(at(100_000)), [txid(4), txid(5)]);
        assert_eq!(journal.records().len(), 1);
    }
}
