//! A broadcast as rows of tables.

use std::time::{Duration, SystemTime};

use mixbed_monero::TxId;
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use crate::durable::journal::Entry;
use crate::durable::watch::Watch;
use crate::durable::{BroadcastRecord, BroadcastState};

/// By transaction id: ordered and expires in ms since 1970, bytes, whether traced, the provider
/// that was asked for or nothing.
pub(super) const ORDERS: TableDefinition<'_, &[u8; 32], (u64, u64, u64, bool, &str)> =
    TableDefinition::new("orders");

/// By transaction id: the raw transaction, until the broadcast has ended.
pub(super) const TRANSACTIONS: TableDefinition<'_, &[u8; 32], &[u8]> =
    TableDefinition::new("transactions");

/// By transaction id: tries, state, when it ended in ms, whether monerod knew it, the height of
/// its block plus one or 0, the provider that had the last word, words.
type Progress<'a> = (u32, u8, u64, bool, u64, &'a str, &'a str);
pub(super) const PROGRESS: TableDefinition<'_, &[u8; 32], Progress<'_>> =
    TableDefinition::new("progress");

/// By transaction id: whether denials count, the wait at a provider in ms, if it still is to be; the
/// deadline and the time from monerod to monerod in ms, the number of looks, until when it is held
/// in ms, confirmations of its block, the provider that confirmed it, those that were found out, a
/// line each. Missing for those that ended under format 1.
type Details<'a> = (bool, Option<u64>, u64, u64, u32, u64, u64, &'a str, &'a str);
pub(super) const DETAILS: TableDefinition<'_, &[u8; 32], Details<'_>> =
    TableDefinition::new("details");

pub(super) const PENDING: u8 = 0;
pub(super) const ACCEPTED: u8 = 1;
const REJECTED: u8 = 2;
const EXPIRED: u8 = 3;
const HELD: u8 = 4;
const MINED: u8 = 5;

/// The tables, to be changed.
pub(super) struct Tables<'a> {
    orders: redb::Table<'a, &'static [u8; 32], (u64, u64, u64, bool, &'static str)>,
    transactions: redb::Table<'a, &'static [u8; 32], &'static [u8]>,
    progress: redb::Table<'a, &'static [u8; 32], Progress<'static>>,
    details: redb::Table<'a, &'static [u8; 32], Details<'static>>,
}

impl<'a> Tables<'a> {
    pub(super) fn open(write: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            orders: write.open_table(ORDERS)?,
            transactions: write.open_table(TRANSACTIONS)?,
            progress: write.open_table(PROGRESS)?,
            details: write.open_table(DETAILS)?,
        })
    }

    pub(super) fn remove(&mut self, txid: TxId) -> Result<(), redb::Error> {
        let id = txid.as_bytes();
        self.orders.remove(id)?;
        self.progress.remove(id)?;
        self.details.remove(id)?;
        self.transactions.remove(id)?;
        Ok(())
    }

    pub(super) fn put(&mut self, entry: &Entry) -> Result<(), redb::Error> {
        let BroadcastRecord { txid, bytes, ordered, expires, tries, trouble, .. } = &entry.record;
        let id = txid.as_bytes();
        let bytes = u64::try_from(*bytes).unwrap_or(u64::MAX);
        let wanted = entry.provider.as_deref().unwrap_or_default();
        self.orders
            .insert(id, (millis(*ordered), millis(*expires), bytes, entry.traced, wanted))?;
        let trouble = trouble.as_deref().unwrap_or_default();
        let (mut until, mut number, mut second) = (0, 0, "");
        let progress = match &entry.record.state {
            BroadcastState::Pending => (*tries, PENDING, 0, false, 0, "", trouble),
            BroadcastState::Held { provider, until: held } => {
                until = millis(*held);
                (*tries, HELD, 0, false, 0, provider.as_str(), trouble)
            }
            // Whether it is watched shows by whether its bytes are there.
            BroadcastState::Accepted { provider, already_known, at, confirmed_by, .. } => {
                second = confirmed_by.as_deref().unwrap_or_default();
                (*tries, ACCEPTED, millis(*at), *already_known, 0, provider.as_str(), trouble)
            }
            BroadcastState::Mined { provider, by, height, confirmations, at } => {
                (number, second) = (*confirmations, by);
                let mined = height.saturating_add(1);
                (*tries, MINED, millis(*at), false, mined, provider.as_str(), trouble)
            }
            BroadcastState::Rejected { provider, words, at } => {
                (*tries, REJECTED, millis(*at), false, 0, provider.as_str(), words.as_str())
            }
            BroadcastState::Expired { at } => (*tries, EXPIRED, millis(*at), false, 0, "", trouble),
        };
        self.progress.insert(id, progress)?;
        let found_out = entry.record.found_out.join("\n");
        let (wait, deadline) = (entry.wait.map(in_millis), in_millis(entry.deadline));
        let propagation = in_millis(entry.propagation);
        let BroadcastRecord { looks, confirm, .. } = entry.record;
        let found_out = found_out.as_str();
        self.details.insert(
            id,
            (confirm, wait, deadline, propagation, looks, until, number, second, found_out),
        )?;
        match &entry.raw {
            // It never changes, and is the largest part by far.
            Some(raw) if self.transactions.get(id)?.is_none() => {
                self.transactions.insert(id, &raw[..])?;
            }
            Some(_) => {}
            None => {
                self.transactions.remove(id)?;
            }
        }
        Ok(())
    }
}

/// All broadcasts.
pub(super) fn entries(read: &ReadTransaction) -> Result<Vec<Entry>, redb::Error> {
    let progress = read.open_table(PROGRESS)?;
    let transactions = read.open_table(TRANSACTIONS)?;
    let details = read.open_table(DETAILS)?;
    let mut entries = Vec::new();
    for row in read.open_table(ORDERS)?.iter()? {
        let (id, order) = row?;
        let txid = TxId::from(*id.value());
        let corrupt = |what: &str| redb::Error::Corrupted(format!("{what} of {txid}"));
        let done = progress.get(id.value())?.ok_or_else(|| corrupt("no state"))?;
        let raw = transactions.get(id.value())?.map(|raw| raw.value().into());
        let details = details.get(id.value())?;
        let details = details.as_ref().map_or(UNWATCHED, redb::AccessGuard::value);
        let entry = entry(txid, order.value(), done.value(), details, raw);
        entries.push(entry.ok_or_else(|| corrupt("a state that makes no sense"))?);
    }
    Ok(entries)
}

/// What is known of those that were ordered under format 1.
const UNWATCHED: Details<'static> = (true, None, 60_000, 30_000, 0, 0, 0, "", "");

/// An entry from its rows; none if they do not belong together.
fn entry(
    txid: TxId,
    (ordered, expires, bytes, traced, wanted): (u64, u64, u64, bool, &str),
    (tries, state, at, already_known, mined, provider, words): Progress<'_>,
    details: Details<'_>,
    raw: Option<std::sync::Arc<[u8]>>,
) -> Option<Entry> {
    let (confirm, wait, deadline, propagation, looks, until, number, second, found_out) = details;
    let at = time(at)?;
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let provider = provider.to_owned();
    let mut trouble = text(words);
    let state = match state {
        PENDING => BroadcastState::Pending,
        HELD => BroadcastState::Held { provider, until: time(until)? },
        ACCEPTED => {
            let (confirmed_by, watched) = (text(second), raw.is_some());
            BroadcastState::Accepted { provider, already_known, at, confirmed_by, watched }
        }
        MINED => BroadcastState::Mined {
            provider,
            by: second.to_owned(),
            height: mined.checked_sub(1)?,
            confirmations: number,
            at,
        },
        REJECTED => {
            let words = trouble.take().unwrap_or_default();
            BroadcastState::Rejected { provider, words, at }
        }
        EXPIRED => BroadcastState::Expired { at },
        _ => return None,
    };
    if state.has_ended() == raw.is_some() {
        return None;
    }
    let record = BroadcastRecord {
        txid,
        bytes: usize::try_from(bytes).ok()?,
        ordered: time(ordered)?,
        expires: time(expires)?,
        tries,
        trouble,
        confirm,
        looks,
        found_out: found_out.lines().map(str::to_owned).collect(),
        state,
        report: None,
    };
    if raw.as_ref().is_some_and(|raw| raw.len() != record.bytes) {
        return None;
    }
    Some(Entry {
        record,
        provider: text(wanted),
        traced,
        propagation: Duration::from_millis(propagation),
        wait: wait.map(Duration::from_millis),
        deadline: Duration::from_millis(deadline),
        raw,
        watch: Watch::default(),
    })
}

fn in_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}
