//! Each message counts once: it has to be new, and newer than the last one of its sender.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::clock::ClockOffset;
use crate::identity::IdentityPublic;
use crate::limits::MAX_NODES;
use crate::messages::{Ordered, Rejection};

/// How far a message's time may be from the authority's clock.
pub const FRESHNESS: Duration = Duration::from_secs(60);

/// Identities whose last message is remembered, so that it cannot be repeated; beyond them, new
/// ones have to wait until the oldest messages are stale.
const MAX_SEEN: usize = 4 * MAX_NODES;

/// Orders that are remembered, so that none is carried out twice; beyond them, the oldest is
/// forgotten, and all that are as old are refused.
const MAX_ORDERS: usize = 256;

/// When each identity's last message was made, and the admins' last orders.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    seen: BTreeMap<IdentityPublic, SystemTime>,
    last_order: Option<SystemTime>,
    /// Orders carried out that are not stale yet, by their digest.
    orders: BTreeMap<[u8; 32], SystemTime>,
    /// What was ordered until then is not remembered one by one: it was before a restart, or there
    /// was too much of it.
    forgotten: Option<SystemTime>,
}

impl Freshness {
    /// What was remembered. Times further ahead than any message may be are of a clock that was
    /// wrong: with them, nobody's next message would be new enough.
    pub(super) fn restore(
        seen: Vec<(IdentityPublic, SystemTime)>,
        last_order: Option<SystemTime>,
        now: SystemTime,
    ) -> Self {
        let seen = seen.into_iter().collect();
        let orders = BTreeMap::new();
        let mut freshness = Self { seen, last_order, orders, forgotten: last_order };
        freshness.end_future(now);
        freshness
    }

    /// Takes times that are further ahead than any message may be as now.
    pub(super) fn end_future(&mut self, now: SystemTime) {
        let orders = self.last_order.iter_mut().chain(&mut self.forgotten);
        for at in self.seen.values_mut().chain(orders) {
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

    /// Accepts and remembers an order, if it was made near enough to now, and is no order that was
    /// carried out already. One that replaces whatever there is has to be made after the last one,
    /// too; one that names what it replaces need not, as admins' clocks differ by seconds.
    pub(super) fn take_order(&mut self, order: &Ordered, now: SystemTime) -> Result<(), Rejection> {
        let at = order.issued_at;
        check_window(at, now)?;
        let floor = if order.names_its_object() { self.forgotten } else { self.last_order };
        if floor.is_some_and(|floor| at <= floor) || self.orders.contains_key(&order.digest) {
            return Err(Rejection::Replayed);
        }
        self.orders.insert(order.digest, at);
        self.last_order = self.last_order.max(Some(at));
        if self.orders.len() > MAX_ORDERS {
            let oldest = self.orders.values().min().copied();
            self.forgotten = self.forgotten.max(oldest);
            self.orders.retain(|_, at| Some(*at) > oldest);
        }
        Ok(())
    }

    /// Whether an order came so recently that others may not have carried it out yet.
    pub(super) fn has_recent_order(&self, now: SystemTime) -> bool {
        self.last_order.is_some_and(|at| at + FRESHNESS >= now)
    }

    /// Forgets messages that would be refused by their age alone.
    pub(super) fn forget_stale(&mut self, now: SystemTime) {
        self.seen.retain(|_, issued_at| *issued_at + FRESHNESS >= now);
        self.orders.retain(|_, issued_at| *issued_at + FRESHNESS >= now);
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
