//! Each message counts once: it has to be new, and newer than the last one of its sender.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::clock::ClockOffset;
use crate::identity::IdentityPublic;
use crate::limits::MAX_NODES;
use crate::messages::Rejection;

/// How far a message's time may be from the authority's clock.
pub const FRESHNESS: Duration = Duration::from_secs(60);

/// Identities whose last message is remembered, so that it cannot be repeated; beyond them, new
/// ones have to wait until the oldest messages are stale.
const MAX_SEEN: usize = 4 * MAX_NODES;

/// When each identity's last message was made, and the operator's last order.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    seen: BTreeMap<IdentityPublic, SystemTime>,
    last_order: Option<SystemTime>,
}

impl Freshness {
    /// What was remembered. Times further ahead than any message may be are of a clock that was
    /// wrong: with them, nobody's next message would be new enough.
    pub(super) fn restore(
        seen: Vec<(IdentityPublic, SystemTime)>,
        last_order: Option<SystemTime>,
        now: SystemTime,
    ) -> Self {
        let mut freshness = Self { seen: seen.into_iter().collect(), last_order };
        freshness.end_future(now);
        freshness
    }

    /// Takes times that are further ahead than any message may be as now.
    pub(super) fn end_future(&mut self, now: SystemTime) {
        for at in self.seen.values_mut().chain(&mut self.last_order) {
            if *at > now + FRESHNESS {
                *at = now;
            }
        }
    }

    /// Whether a message was made near enough to now, and after the last one of its identity.
    pub(super) fn check(
        &self,
        identity: &IdentityPublic,
        issued_at: SystemTime,
        now: SystemTime,
    ) -> Result<(), Rejection> {
        check_window(issued_at, now)?;
        match self.seen.get(identity) {
            Some(last) if issued_at <= *last => Err(Rejection::Replayed),
            _ => Ok(()),
        }
    }

    /// Whether another identity can be remembered, or this one is.
    pub(super) fn check_room(&self, identity: &IdentityPublic) -> Result<(), Rejection> {
        if self.seen.len() >= MAX_SEEN && !self.seen.contains_key(identity) {
            return Err(Rejection::Full);
        }
        Ok(())
    }

    /// Remembers a message that was accepted.
    pub(super) fn note(&mut self, identity: IdentityPublic, issued_at: SystemTime) {
        self.seen.insert(identity, issued_at);
    }

    /// Accepts and remembers an order, if it was made near enough to now and after the last one.
    pub(super) fn take_order(
        &mut self,
        issued_at: SystemTime,
        now: SystemTime,
    ) -> Result<(), Rejection> {
        check_window(issued_at, now)?;
        if self.last_order.is_some_and(|last| issued_at <= last) {
            return Err(Rejection::Replayed);
        }
        self.last_order = Some(issued_at);
        Ok(())
    }

    /// Forgets messages that would be refused by their age alone.
    pub(super) fn forget_stale(&mut self, now: SystemTime) {
        self.seen.retain(|_, issued_at| *issued_at + FRESHNESS >= now);
    }

    pub(super) fn seen(&self) -> Vec<(IdentityPublic, SystemTime)> {
        self.seen.iter().map(|(identity, at)| (*identity, *at)).collect()
    }

    pub(super) const fn last_order(&self) -> Option<SystemTime> {
        self.last_order
    }
}

fn check_window(issued_at: SystemTime, now: SystemTime) -> Result<(), Rejection> {
    let offset = ClockOffset::between(issued_at, now);
    if offset.distance > FRESHNESS {
        return Err(Rejection::Stale { offset, window: FRESHNESS });
    }
    Ok(())
}
