//! Ways back that were given away with letters: what reads the answers that come by them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mixbed_wire::{DropReason, Exit, Identifier, MailboxPublic, NodeId, ReplyKey};
use tokio::sync::mpsc;

use crate::core::Return;

/// Ways back that are waited on at most; of more, the one that ends first is given up. 2 MB.
const MOST: usize = 4096;

/// Shared by the shell, which opens packets, and by whoever writes letters.
#[derive(Debug)]
pub(crate) struct WaysBack {
    own: Return,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The one that the client has a link to.
    gateway: Option<NodeId>,
    waiting: HashMap<Identifier, Waiting>,
    by_end: BTreeSet<(Instant, Identifier)>,
}

/// What is waited for.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) key: ReplyKey,
    pub(super) ends: Instant,
    /// The key that answers by it are sealed to.
    pub(super) offer: MailboxPublic,
    pub(super) arrived: mpsc::Sender<Arrived>,
}

/// Something that came by a way back.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) offer: MailboxPublic,
    pub(super) bytes: Vec<u8>,
}

impl WaysBack {
    pub(crate) fn new(own: Return) -> Self {
        Self { own, inner: Mutex::default() }
    }

    /// The client has a link to this gateway, or to none.
    pub(crate) fn handle_link(&self, gateway: Option<NodeId>) {
        self.inner().gateway = gateway;
    }

    /// Whether this packet came by one.
    pub(crate) fn knows(&self, identifier: &Identifier) -> bool {
        self.inner().waiting.contains_key(identifier)
    }

    /// A packet came by one.
    ///
    /// # Errors
    /// [`DropReason::BadPayload`]; [`DropReason::TooManyMessages`] if nobody takes what comes.
    pub(crate) fn handle_packet(
        &self,
        identifier: &Identifier,
        exit: Exit,
    ) -> Result<(), DropReason> {
        let mut inner = self.inner();
        let waiting = inner.waiting.get(identifier).ok_or(DropReason::UnknownMessage)?;
        let arrived = Arrived { offer: waiting.offer, bytes: waiting.key.read(exit)? };
        let (ends, to) = (waiting.ends, waiting.arrived.clone());
        inner.waiting.remove(identifier);
        inner.by_end.remove(&(ends, *identifier));
        to.try_send(arrived).map_err(|_| DropReason::TooManyMessages)
    }

    pub(super) fn own(&self) -> Return {
        self.own
    }

    pub(super) fn gateway(&self) -> Option<NodeId> {
        self.inner().gateway
    }

    pub(super) fn wait_on(&self, waiting: Waiting, now: Instant) {
        let mut inner = self.inner();
        while let Some(&(ends, identifier)) = inner.by_end.first()
            && (ends <= now || inner.waiting.len() >= MOST)
        {
            inner.by_end.pop_first();
            inner.waiting.remove(&identifier);
        }
        let identifier = *waiting.key.identifier();
        inner.by_end.insert((waiting.ends, identifier));
        inner.waiting.insert(identifier, waiting);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
