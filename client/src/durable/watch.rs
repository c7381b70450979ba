//! What is asked of a transaction that a provider holds or has, and what follows from the answers.

#![deny(clippy::disallowed_methods)]

use std::time::{Duration, SystemTime};

use rand::{Rng, RngExt};

use super::BroadcastState;
use super::journal::Entry;
use crate::broadcast::{Located, Promise, Sighting};

/// How long an accepted transaction is watched: so long monerod keeps it in its pool.
pub(super) const WATCH: Duration = Duration::from_secs(3 * 24 * 3600);

/// The first pause before a look, and the longest of those that look for a confirmation.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST_FIRST: Duration = Duration::from_secs(10);

/// So many looks are for a confirmation, in a minute or so; after that a block is as likely.
pub(super) const SOON: u32 = 8;

/// The first pause before a look for a block, and the longest: a block comes every two minutes.
const BLOCK: Duration = Duration::from_secs(5);
const LONGEST_BLOCK: Duration = Duration::from_secs(300);

/// How long a transaction that was known may be unknown before it is handed in again: providers'
/// monerods may differ for a while.
const GONE: Duration = Duration::from_secs(600);

/// What is known of the looks for one broadcast.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Watch {
    /// When the next one is due; not written down, so that each process begins at random.
    pub(super) next: Option<SystemTime>,
    pub(super) unknown_since: Option<SystemTime>,
}

/// A provider that did not do what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundOut {
    pub(super) provider: String,
    pub(super) promise: Promise,
    pub(super) denied_by: String,
    pub(super) after: Duration,
}

impl Entry {
    /// When it is to be looked for next, if it is to be.
    pub(super) fn look_at<R: Rng + ?Sized>(
        &mut self,
        now: SystemTime,
        rng: &mut R,
    ) -> Option<SystemTime> {
        let next = match &self.record.state {
            BroadcastState::Held { until, .. } => (*until).max(now) + about(self.pause(true), rng),
            BroadcastState::Accepted { confirmed_by, watched: true, .. } => {
                now + about(self.pause(confirmed_by.is_none() && self.record.confirm), rng)
            }
            _ => return None,
        };
        Some(*self.watch.next.get_or_insert(next))
    }

    /// Who is asked only if there is no other: whoever has it from us, and those found out.
    pub(super) fn not(&self) -> Vec<String> {
        let provider = match &self.record.state {
            BroadcastState::Held { provider, .. } | BroadcastState::Accepted { provider, .. } => {
                Some(provider)
            }
            _ => None,
        };
        self.record.found_out.iter().chain(provider).cloned().collect()
    }

    /// A provider has said where the transaction is, or nobody has: in words. Says who was found
    /// out by it.
    pub(super) fn handle_located(
        &mut self,
        located: Result<Located, String>,
        now: SystemTime,
    ) -> Option<FoundOut> {
        self.record.looks = self.record.looks.saturating_add(1);
        self.watch.next = None;
        let Located { provider: by, sighting } = match located {
            // Nobody else can be asked, and this one's word is worth nothing.
            Ok(located) if self.record.found_out.contains(&located.provider) => return None,
            Ok(located) => located,
            Err(words) => {
                self.record.trouble = Some(words);
                return None;
            }
        };
        match sighting {
            Sighting::Unknown => return self.handle_unknown(by, now),
            Sighting::InPool => self.handle_pool(by, now),
            Sighting::Mined { height, confirmations } => {
                let provider = self.has_it().unwrap_or(&by).to_owned();
                let at = now;
                self.end(BroadcastState::Mined { provider, by, height, confirmations, at });
            }
        }
        self.record.trouble = None;
        None
    }

    fn handle_pool(&mut self, by: String, now: SystemTime) {
        self.watch.unknown_since = None;
        match &mut self.record.state {
            BroadcastState::Held { provider, .. } => {
                let confirmed_by = (by != *provider).then_some(by);
                let provider = provider.clone();
                self.accept(BroadcastState::Accepted {
                    provider,
                    already_known: false,
                    at: now,
                    confirmed_by,
                    watched: true,
                });
            }
            BroadcastState::Accepted { provider, confirmed_by: confirmed_by @ None, .. }
                if by != *provider =>
            {
                *confirmed_by = Some(by);
                self.record.looks = 0;
            }
            _ => {}
        }
    }

    fn handle_unknown(&mut self, by: String, now: SystemTime) -> Option<FoundOut> {
        let (provider, since, promise, is_confirmed) = match &self.record.state {
            BroadcastState::Held { provider, until } => (provider, *until, Promise::Held, false),
            BroadcastState::Accepted { provider, at, confirmed_by, .. } => {
                (provider, *at, Promise::Accepted, confirmed_by.is_some())
            }
            _ => return None,
        };
        let after = now.duration_since(since).unwrap_or_default();
        let provider = provider.clone();
        let trusted = !is_confirmed && !self.record.found_out.contains(&provider);
        if trusted && (self.record.confirm || promise == Promise::Held) {
            if after < self.propagation {
                return None;
            }
            let denied_by = by;
            self.record.trouble =
                Some(format!("{provider} said that it had it, and {denied_by} did not know of it"));
            self.record.found_out.push(provider.clone());
            self.again();
            return Some(FoundOut { provider, promise, denied_by, after });
        }
        // A pool forgets, and a block may be replaced by another one.
        let since = *self.watch.unknown_since.get_or_insert(now);
        if now.duration_since(since).unwrap_or_default() >= GONE {
            self.record.trouble = Some(format!("{by} does not know of it any more"));
            self.again();
        }
        None
    }

    /// It is taken; from now on it is looked for.
    pub(super) fn accept(&mut self, state: BroadcastState) {
        if let BroadcastState::Accepted { at, .. } = &state {
            self.record.expires = self.record.expires.max(*at + WATCH);
        }
        self.record.state = state;
        self.record.looks = 0;
        self.watch = Watch::default();
    }

    /// It is to be handed in again, and at once.
    fn again(&mut self) {
        self.wait = None;
        self.record.state = BroadcastState::Pending;
        self.record.looks = 0;
        self.watch = Watch::default();
    }

    /// The provider that has it from us.
    fn has_it(&self) -> Option<&str> {
        match &self.record.state {
            BroadcastState::Held { provider, .. } | BroadcastState::Accepted { provider, .. } => {
                Some(provider)
            }
            _ => None,
        }
    }

    fn pause(&self, is_doubted: bool) -> Duration {
        let (first, longest, looks) = match self.record.looks {
            looks if is_doubted && looks < SOON => (FIRST, LONGEST_FIRST, looks),
            looks if is_doubted => (BLOCK, LONGEST_BLOCK, looks - SOON),
            looks => (BLOCK, LONGEST_BLOCK, looks),
        };
        // A test's monerods are quicker than those of the world.
        let first = first.min(self.propagation);
        first.saturating_mul(1 << looks.min(16)).min(longest)
    }
}

/// Half to three halves of it: looks in step, or of a fixed rhythm, would be known again.
fn about<R: Rng + ?Sized>(pause: Duration, rng: &mut R) -> Duration {
    pause.mul_f64(rng.random_range(0.5..1.5))
}
