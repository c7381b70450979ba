//! What monerods say of a run's transactions.

use std::time::Duration;

use mixbed_monero::TxId;
use mixbed_monero::daemon::TxState;

use super::entry::State;
use super::{End, Run, Sight};

/// A transaction that no monerod has for so long, though one accepted it, is sent again.
const LOST: Duration = Duration::from_secs(4);

/// With so many blocks on it, one monerod's word is enough.
const CONFIRMED: u64 = 2;

/// A chain that is shorter than it was by more than this is another one.
const REORGANISED: u64 = 10;

impl Run {
    /// The transactions that monerods are to be asked for.
    #[must_use]
    pub fn watched(&self) -> Vec<(u32, TxId)> {
        let open = self
            .entries
            .iter()
            .filter(|(_, entry)| matches!(entry.state, State::Submitted | State::Accepted));
        open.map(|(number, entry)| (*number, entry.txid)).collect()
    }

    /// What the monerods said of `asked`; one that gave no answer is `None`.
    ///
    /// A block counts once all that are in step have it, or a second one is on top: a block that
    /// only one has dies with that one.
    pub fn handle_sights(&mut self, asked: &[u32], sights: &[Option<Sight>], now: Duration) {
        self.look_at_heights(sights, now);
        let able = || sights.iter().flatten().filter(|sight| sight.synchronized);
        for (position, number) in asked.iter().enumerate() {
            let Some(entry) = self.entries.get_mut(number) else { continue };
            if entry.is_resolved() {
                continue;
            }
            let state =
                |sight: &Sight| sight.states.get(position).copied().unwrap_or(TxState::Unknown);
            let mined = sights.iter().flatten().find_map(|sight| match state(sight) {
                TxState::Mined { height, confirmations } => Some((height, confirmations)),
                _ => None,
            });
            if let Some((height, confirmations)) = mined {
                let everywhere = able().count() > 0
                    && able().all(|sight| matches!(state(sight), TxState::Mined { .. }));
                if everywhere || confirmations >= CONFIRMED {
                    entry.state = State::Mined;
                    (entry.height, entry.words, entry.raw) = (Some(height), None, None);
                    self.revision += 1;
                }
                entry.missing = None;
                continue;
            }
            let known = sights.iter().flatten().any(|sight| state(sight).is_known());
            if known || able().count() == 0 {
                entry.missing = None;
                continue;
            }
            let since = *entry.missing.get_or_insert(now);
            if now < since + LOST || entry.busy {
                continue;
            }
            if entry.raw.is_none() {
                entry.state = State::Failed;
                entry.words = Some("lost by its monerod, and its bytes were not kept".to_owned());
                self.revision += 1;
            } else if entry.again.is_none() {
                entry.again = Some(now);
            }
        }
    }

    /// The chain of a single monerod without a volume begins anew with its pod, and nothing that
    /// the wallet had is in the new one.
    fn look_at_heights(&mut self, sights: &[Option<Sight>], now: Duration) {
        let able = || sights.iter().flatten().filter(|sight| sight.synchronized);
        let highest = able().map(|sight| sight.height).max().unwrap_or_default();
        self.best = self.best.max(highest);
        let all = !sights.is_empty() && able().count() == sights.len();
        if !all || highest + REORGANISED >= self.best {
            self.fallen = None;
            return;
        }
        let since = *self.fallen.get_or_insert(now);
        if now >= since + LOST && self.end.is_none() {
            let best = self.best;
            self.give_up(|_| "the chain that it was made for is gone".to_owned());
            self.finish(End::Failed {
                reason: "ChainLost".to_owned(),
                message: format!(
                    "the chain began anew (it had {best} blocks, and has {highest}): a monerod without peers and without storage loses it with its pod; use two providers, and make another Broadcast"
                ),
            });
        }
    }
}
