//! The shell around sessions: worker threads bring packets, tokio runs a task for each session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mixbed_session::{Code, End, ProviderEnd, Reason, opens_session, unknown_session};
use mixbed_telemetry::StreamMetrics;
use mixbed_wire::message::SessionId;
use mixbed_wire::{DropReason, ReplyBlock};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::held::Table;
use super::pump::pump;
use super::served::Moved;
use super::{SessionBounds, StreamService};
use crate::provider::ReplySink;

/// For so long after its last byte a stream is at work.
const AT_WORK: Duration = Duration::from_secs(5);

/// A packet of a session.
#[derive(Debug)]
pub(crate) struct SessionPacket<'a> {
    pub(crate) session: SessionId,
    pub(crate) number: u32,
    pub(crate) frames: &'a [u8],
    pub(crate) blocks: Vec<ReplyBlock>,
}

/// A provider's sessions. They end when this is dropped.
pub(crate) struct Sessions {
    parts: Arc<Parts>,
}

/// What the tasks of sessions share.
pub(super) struct Parts {
    table: Mutex<Table>,
    pub(super) bounds: SessionBounds,
    pub(super) services: Vec<Arc<dyn StreamService>>,
    replies: Arc<dyn ReplySink>,
    pub(super) metrics: StreamMetrics,
    /// On any stream.
    pub(super) moved: Moved,
    leaving: AtomicBool,
    pub(super) stop: CancellationToken,
    runtime: Handle,
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.parts.stop.cancel();
    }
}

impl Sessions {
    /// Must be called within a tokio runtime.
    pub(crate) fn new(
        bounds: SessionBounds,
        services: Vec<Arc<dyn StreamService>>,
        replies: Arc<dyn ReplySink>,
        metrics: StreamMetrics,
    ) -> Self {
        let parts = Arc::new(Parts {
            table: Mutex::new(Table::default()),
            bounds,
            services,
            replies,
            metrics,
            moved: Moved::new(),
            leaving: AtomicBool::new(false),
            stop: CancellationToken::new(),
            runtime: Handle::current(),
        });
        Self { parts }
    }

    /// The names of the services.
    pub(crate) fn services(&self) -> impl Iterator<Item = &'static str> {
        self.parts.services.iter().map(|service| service.name())
    }

    /// Whether something moved on a stream just now.
    pub(crate) fn is_busy(&self) -> bool {
        let open = || self.parts.table().all().iter().any(|held| held.shared.lock().streams() > 0);
        self.parts.moved.last().elapsed() < AT_WORK && open()
    }

    /// Takes a packet. Does not block, and makes at most one reply: a session's are made by its task.
    ///
    /// # Errors
    /// [`DropReason::UnknownMessage`] for what is no packet of a session, or of none that there is;
    /// [`DropReason::TooManyMessages`] for more than a session may hold, or for one session too many.
    pub(crate) fn deliver(&self, packet: SessionPacket<'_>) -> Result<(), DropReason> {
        let now = Instant::now();
        let SessionPacket { session, number, frames, blocks } = packet;
        let known = self.parts.table().hears(session, now);
        let held = match known {
            Some(held) => held,
            None if !opens_session(frames) => {
                self.parts.answer(blocks, &unknown_session());
                return Err(DropReason::UnknownMessage);
            }
            None if self.parts.leaving.load(Ordering::Relaxed) => {
                return self.parts.turn_away(number, frames, blocks, Code::Stopped.into());
            }
            None => {
                let Some(held) = self.parts.open(session, now) else {
                    let most = self.parts.bounds.sessions;
                    let words = format!("the provider has {most} sessions, its most");
                    let reason = Reason::new(Code::Busy, words);
                    return self.parts.turn_away(number, frames, blocks, reason);
                };
                held
            }
        };
        let result = held.shared.lock().handle_packet(number, frames, blocks, now);
        held.shared.touch();
        result
    }

    /// Ends all sessions, and takes no new ones: their clients are told, as far as there are reply
    /// blocks.
    pub(crate) fn leave(&self) {
        self.parts.leaving.store(true, Ordering::Relaxed);
        let all = self.parts.table().all();
        let now = Instant::now();
        for held in all {
            held.shared.lock().close(Code::Stopped.into(), now);
            // Wakes the streams; the owner's events concern nobody any more.
            let _ = held.shared.wake();
            self.parts.transmit(&held.shared, usize::MAX);
            held.gone.cancel();
        }
    }
}

impl Parts {
    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, if there is room, or if another one makes some.
    fn open(self: &Arc<Self>, id: SessionId, now: Instant) -> Option<Arc<super::held::Held>> {
        let mut table = self.table();
        // Another worker may have been faster.
        if let Some(held) = table.hears(id, now) {
            return Some(held);
        }
        let mut displaced = None;
        if table.len() >= self.bounds.sessions {
            displaced = Some(table.make_room(self.bounds.grace, now)?);
        }
        let end = ProviderEnd::new(self.bounds.next(table.len()), now);
        let held = table.insert(id, end, now);
        let count = table.len();
        drop(table);
        self.metrics.sessions.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.runtime.spawn(pump(Arc::clone(self), Arc::clone(&held)));
        if let Some(old) = displaced {
            let reason = Reason::new(Code::SessionLost, "it made room for another");
            old.shared.lock().close(reason, now);
            old.gone.cancel();
        }
        Some(held)
    }

    /// Refuses a session that a packet would begin. Nothing is kept.
    fn turn_away(
        &self,
        number: u32,
        frames: &[u8],
        blocks: Vec<ReplyBlock>,
        reason: Reason,
    ) -> Result<(), DropReason> {
        let now = Instant::now();
        let mut end = ProviderEnd::new(self.bounds.each, now);
        end.handle_packet(number, frames, blocks, now)?;
        end.close(reason, now);
        if let Some((block, plaintext)) = end.poll_transmit(now) {
            self.reply(block, &plaintext);
        }
        Err(DropReason::TooManyMessages)
    }

    fn answer(&self, blocks: Vec<ReplyBlock>, plaintext: &[u8]) {
        if let Some(block) = blocks.into_iter().next() {
            self.reply(block, plaintext);
        }
    }

    /// Sends what a session has to send, at most so many packets; returns how many there were. The
    /// lock is not held while they are sealed.
    pub(super) fn transmit(
        &self,
        shared: &mixbed_session::Shared<ProviderEnd<ReplyBlock>>,
        most: usize,
    ) -> usize {
        for sent in 0..most {
            let next = shared.lock().poll_transmit(Instant::now());
            let Some((block, plaintext)) = next else { return sent };
            self.reply(block, &plaintext);
        }
        most
    }

    fn reply(&self, block: ReplyBlock, plaintext: &[u8]) {
        match block.reply(plaintext) {
            // A session answers when it has something to say.
            Ok(reply) => self.replies.send(reply, Instant::now()),
            // No session's reply is longer than a packet: this would be a mistake of ours.
            Err(error) => tracing::error!(%error, "a session's reply could not be sealed"),
        }
    }
}
