//! The sessions that there are, by their ids.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mixbed_session::{End, ProviderEnd, Shared};
use mixbed_wire::ReplyBlock;
use mixbed_wire::message::SessionId;
use tokio_util::sync::CancellationToken;

/// A session.
pub(super) struct Held {
    pub(super) id: SessionId,
    pub(super) shared: Arc<Shared<ProviderEnd<ReplyBlock>>>,
    /// Ends its task, after a last look at what is to be sent.
    pub(super) gone: CancellationToken,
    heard: Mutex<Instant>,
}

impl Held {
    fn heard(&self) -> MutexGuard<'_, Instant> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All of them, as many as there may be.
#[derive(Default)]
pub(super) struct Table {
    sessions: HashMap<SessionId, Arc<Held>>,
}

impl Table {
    /// The session of this id, of which something is heard now.
    pub(super) fn hears(&self, id: SessionId, now: Instant) -> Option<Arc<Held>> {
        let held = self.sessions.get(&id)?;
        *held.heard() = now;
        Some(Arc::clone(held))
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn insert(
        &mut self,
        id: SessionId,
        end: ProviderEnd<ReplyBlock>,
        now: Instant,
    ) -> Arc<Held> {
        let held = Arc::new(Held {
            id,
            shared: Shared::new(end),
            gone: CancellationToken::new(),
            heard: Mutex::new(now),
        });
        self.sessions.insert(id, Arc::clone(&held));
        held
    }

    /// Forgets a session, unless there is another one of its id by now.
    pub(super) fn remove(&mut self, held: &Arc<Held>) {
        if self.sessions.get(&held.id).is_some_and(|other| Arc::ptr_eq(other, held)) {
            self.sessions.remove(&held.id);
        }
    }

    /// Takes out a session that makes room for another: the one that was silent for longest, if it
    /// has no streams or was silent for longer than `grace`.
    pub(super) fn make_room(&mut self, grace: Duration, now: Instant) -> Option<Arc<Held>> {
        let silent = |held: &Held| now.saturating_duration_since(*held.heard());
        let of_use = |held: &Held| silent(held) <= grace && held.shared.lock().streams() > 0;
        let oldest = self
            .sessions
            .values()
            .filter(|held| !of_use(held))
            .max_by_key(|held| silent(held))
            .map(|held| held.id)?;
        self.sessions.remove(&oldest)
    }

    pub(super) fn all(&self) -> Vec<Arc<Held>> {
        self.sessions.values().cloned().collect()
    }
}
