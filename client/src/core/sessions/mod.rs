//! All sessions of a client: who may send next, whose reply it is, what the ways there and back
//! tell of the nodes on them.
//!
//! What goes on within a session is the business of [`ClientEnd`]; it is shared with the handles
//! of its streams. Here its packets are handed out in turns, and replies find their session.

mod held;
mod ways;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_session::{BlockNo, ClientEnd, Code, End as _, FIRST_SESSION_WINDOW, Reason, Shared};
use mixbed_wire::message::SessionId;
use mixbed_wire::{DropReason, Identifier, NodeId};
use rand::Rng;

use super::{ReplyDue, Sent, SessionDraft, SessionNo};
use held::{Flight, Held};
pub use ways::Way;
use ways::Ways;

/// How long a packet counts in the window beyond the delays drawn for it, if nothing is heard of
/// it: what has not come by then is lost, and does not keep others from being sent.
const COUNTS: Duration = Duration::from_secs(2);

/// How long nothing can be sent before the sessions are given up. Their providers keep them longer.
const CUT_OFF: Duration = Duration::from_secs(60);

/// Sessions at a time: as many as a SOCKS port has connections, each of which may have a name of its
/// own.
const SESSIONS: usize = 512;

/// Bytes that the sessions share in each direction: one that begins as the *n*th has a window of an
/// *n*th of it, within its limits and a session's first window. 64 MiB: the first 16 have 4 MiB each,
/// all others together 64 MiB · ln(256 / 16) and 256 times 256 KiB. So what hostile providers send
/// and nobody reads takes 305 MiB at most; honest sessions of small requests take some kB each.
const WINDOWS: usize = 64 << 20;

/// Asks a session for a packet.
type PollDraft = fn(&mut ClientEnd, Instant) -> Option<mixbed_session::Draft>;

/// All sessions. `K` is what reads a reply.
pub struct Sessions<K> {
    held: BTreeMap<SessionNo, Held>,
    replies: HashMap<Identifier, Due<K>>,
    /// Packets that count in the window, and until when at most.
    window: BTreeSet<(Instant, SessionNo, u32)>,
    /// Whether a packet has waited for room in it.
    blocked: bool,
    /// What was due until then was done, but for what waits to be sent.
    handled: Option<Instant>,
    /// Since when nothing can be sent.
    cut_off: Option<Instant>,
    ways: Ways,
    closed: VecDeque<Closed>,
    next: SessionNo,
    next_block: u64,
    /// Whose turn it was last.
    turn: SessionNo,
}

/// A reply that may come.
struct Due<K> {
    session: SessionNo,
    block: BlockNo,
    route: Vec<NodeId>,
    key: K,
}

/// A session that new streams can be opened in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its number.
    pub number: SessionNo,
    /// The provider that it is with.
    pub provider: NodeId,
    /// Its end here, shared with its streams.
    pub end: Arc<Shared<ClientEnd>>,
}

/// A session that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its number.
    pub session: SessionNo,
    /// The provider that it was with.
    pub provider: NodeId,
    /// Why it is.
    pub reason: Reason,
}

/// Why there is no session for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// All have streams.
    #[error("{SESSIONS} sessions are in use already: end the streams of one of them")]
    TooMany,
    /// There is nobody to have one with.
    #[error("no provider to have a session with")]
    NoProvider,
}

impl<K> std::fmt::Debug for Sessions<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions")
            .field("sessions", &self.held.len())
            .field("replies", &self.replies.len())
            .field("under_way", &self.window.len())
            .finish_non_exhaustive()
    }
}

impl<K> Default for Sessions<K> {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            replies: HashMap::new(),
            window: BTreeSet::new(),
            blocked: false,
            handled: None,
            cut_off: None,
            ways: Ways::default(),
            closed: VecDeque::new(),
            next: SessionNo(1),
            next_block: 1,
            turn: SessionNo(0),
        }
    }
}

/// What the next session may have, while there are so many.
fn share(limits: mixbed_session::Limits, sessions: usize) -> mixbed_session::Limits {
    let share = (WINDOWS / (sessions + 1)).max(FIRST_SESSION_WINDOW);
    let session_window = limits.session_window.min(share);
    mixbed_session::Limits { session_window, ..limits }
}

impl<K> Sessions<K> {
    /// The session for a new stream: one with any of these providers that is there already, and
    /// that nobody with another `isolation` has a stream in; else a new one with the first of them.
    /// A new one has these `limits`, and the one without streams that was used least recently makes
    /// room for it.
    pub fn choose<R: Rng + ?Sized>(
        &mut self,
        providers: &[NodeId],
        isolation: Option<&str>,
        limits: mixbed_session::Limits,
        now: Instant,
        rng: &mut R,
    ) -> Result<Session, SessionError> {
        let first = *providers.first().ok_or(SessionError::NoProvider)?;
        let with = |provider: &NodeId| {
            let mut held = self.held.iter();
            held.find(|(_, held)| {
                held.provider == *provider
                    && held.isolation.as_deref() == isolation
                    && held.has_room(limits.streams)
            })
        };
        let number = match providers.iter().find_map(with).map(|(number, _)| *number) {
            Some(number) => number,
            None => self.begin(first, isolation, limits, now, rng)?,
        };
        let held = self.held.get_mut(&number).ok_or(SessionError::NoProvider)?;
        held.used = now;
        Ok(Session { number, provider: held.provider, end: Arc::clone(&held.end) })
    }

    fn begin<R: Rng + ?Sized>(
        &mut self,
        provider: NodeId,
        isolation: Option<&str>,
        limits: mixbed_session::Limits,
        now: Instant,
        rng: &mut R,
    ) -> Result<SessionNo, SessionError> {
        if self.held.len() >= SESSIONS {
            let idle = self.held.iter().filter(|(_, held)| held.is_idle());
            let oldest = idle.min_by_key(|(_, held)| held.used).map(|(number, _)| *number);
            let oldest = oldest.ok_or(SessionError::TooMany)?;
            self.close(oldest, Reason::new(Code::IdleTooLong, "it makes room"), now);
            self.remove(oldest);
        }
        let number = self.next;
        self.next.0 += 1;
        let limits = share(limits, self.held.len());
        let end = Shared::new(ClientEnd::new(limits, now));
        let id = SessionId::generate(rng);
        self.held.insert(number, Held::new(id, provider, isolation, end, now));
        Ok(number)
    }

    /// A packet to be sealed and sent now, if fewer than `window` are under way. Answer with
    /// [`handle_sent`](Self::handle_sent) or [`handle_unsent`](Self::handle_unsent).
    pub fn poll_transmit(&mut self, window: usize, now: Instant) -> Option<SessionDraft> {
        self.pass_window(now);
        self.blocked = self.window.len() >= window;
        if self.blocked { None } else { self.poll(ClientEnd::poll_transmit, now) }
    }

    /// A packet for a tick on which nothing else would leave, if fewer than `window` are under way:
    /// see [`ClientEnd::poll_spare`]. To be answered like those of
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn poll_spare(&mut self, window: usize, now: Instant) -> Option<SessionDraft> {
        self.pass_window(now);
        let room = self.window.len() < window;
        room.then(|| self.poll(ClientEnd::poll_spare, now)).flatten()
    }

    /// The sessions' drafts, in turns.
    fn poll(&mut self, of: PollDraft, now: Instant) -> Option<SessionDraft> {
        let after = self.held.range(SessionNo(self.turn.0 + 1)..).map(|(number, _)| *number);
        let order: Vec<_> =
            after.chain(self.held.range(..=self.turn).map(|(number, _)| *number)).collect();
        order.into_iter().find_map(|number| self.draft(number, of, now))
    }

    fn draft(&mut self, session: SessionNo, of: PollDraft, now: Instant) -> Option<SessionDraft> {
        let Held { id, provider, end, .. } = self.held.get(&session)?;
        let (id, provider) = (*id, *provider);
        let draft = of(&mut end.lock(), now);
        // What was taken out of a stream's buffer makes room in it.
        self.settle(session);
        let Some(mixbed_session::Draft { number, blocks, frames }) = draft else {
            // The other end has been told, if it could be.
            if self.held.get(&session).is_some_and(|held| held.over) {
                self.remove(session);
            }
            return None;
        };
        self.turn = session;
        Some(SessionDraft { session, id, provider, number, blocks, frames })
    }

    /// The packet was handed to the link now.
    pub fn handle_sent(&mut self, draft: &SessionDraft, sent: Sent<K>, now: Instant) {
        let Some(held) = self.held.get_mut(&draft.session) else { return };
        let mut backs = Vec::with_capacity(sent.replies.len());
        for ReplyDue { identifier, back, route, key } in sent.replies {
            let block = BlockNo(self.next_block);
            self.next_block += 1;
            backs.push((block, back));
            held.blocks.insert(block, identifier);
            self.replies.insert(identifier, Due { session: draft.session, block, route, key });
        }
        let until = now + sent.there + COUNTS;
        self.window.insert((until, draft.session, draft.number));
        let flight = Flight { sent_at: now, until, route: sent.route };
        if let Some((number, old)) = held.fly(draft.number, flight) {
            self.window.remove(&(old.until, draft.session, number));
        }
        held.end.lock().handle_sent(draft.number, sent.there, &backs, now);
        self.settle(draft.session);
    }

    /// The packet could not be sealed or sent.
    pub fn handle_unsent(&mut self, draft: &SessionDraft) {
        if let Some(held) = self.held.get(&draft.session) {
            held.end.lock().handle_unsent(draft.number);
            self.settle(draft.session);
        }
    }

    /// The packet could not be sealed, because its provider is not in the document any more: its
    /// session ends.
    pub fn handle_provider_gone(&mut self, draft: &SessionDraft, now: Instant) {
        let reason = Reason::new(Code::SessionLost, "the provider has left the network");
        self.close(draft.session, reason, now);
        self.remove(draft.session);
    }

    /// What reads the reply with this name, if it is one of a session.
    #[must_use]
    pub fn key(&self, identifier: &Identifier) -> Option<&K> {
        self.replies.get(identifier).map(|due| &due.key)
    }

    /// Takes a reply that has been read.
    ///
    /// # Errors
    /// [`DropReason::UnknownReply`] if nobody waits for it, and those of
    /// [`ClientEnd::handle_reply`].
    pub fn handle_reply(
        &mut self,
        identifier: &Identifier,
        plaintext: &[u8],
        now: Instant,
    ) -> Result<(), DropReason> {
        let due = self.replies.remove(identifier).ok_or(DropReason::UnknownReply)?;
        let held = self.held.get_mut(&due.session).ok_or(DropReason::UnknownReply)?;
        held.blocks.remove(&due.block);
        held.is_silent = false;
        self.ways.push(Way::Passed(due.route));
        let taken = held.end.lock().handle_reply(due.block, plaintext, now);
        self.settle(due.session);
        if let Some(held) = self.held.get_mut(&due.session) {
            held.is_silent = true;
        }
        taken
    }

    /// Nothing can be sent now, for want of a link or a document. If that lasts, whoever waits is
    /// not to wait for ever.
    pub fn handle_cut_off(&mut self, now: Instant) {
        self.cut_off.get_or_insert(now);
    }

    /// Packets can be sent.
    pub fn handle_connected(&mut self) {
        self.cut_off = None;
    }

    /// A stream did something.
    pub fn handle_changed(&mut self) {
        for number in self.held.keys().copied().collect::<Vec<_>>() {
            self.settle(number);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.handled = Some(now);
        self.pass_window(now);
        if self.cut_off.is_some_and(|since| since + CUT_OFF <= now) {
            let reason = Reason::new(Code::SessionLost, "no link to a gateway for a minute");
            for number in self.held.keys().copied().collect::<Vec<_>>() {
                self.close(number, reason.clone(), now);
                self.remove(number);
            }
        }
        let due = |held: &Held| held.end.lock().poll_timeout().is_some_and(|at| at <= now);
        let due: Vec<_> =
            self.held.iter().filter(|(_, held)| due(held)).map(|(number, _)| *number).collect();
        for number in due {
            if let Some(held) = self.held.get(&number) {
                held.end.lock().handle_timeout(now);
            }
            self.settle(number);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. What is to be sent since then waits for
    /// its turn, and not for a time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let room = self.window.first().filter(|_| self.blocked).map(|(until, ..)| *until);
        let cut_off = self.cut_off.filter(|_| !self.held.is_empty()).map(|since| since + CUT_OFF);
        let ends = self.held.values().filter_map(|held| held.end.lock().poll_timeout());
        let ends = ends.filter(|at| self.handled.is_none_or(|handled| *at > handled));
        ends.chain(room).chain(cut_off).min()
    }

    /// A session that is over.
    pub fn poll_closed(&mut self) -> Option<Closed> {
        self.closed.pop_front()
    }

    /// What became of a packet or a reply, for whoever suspects nodes. Nobody has to ask.
    pub fn poll_way(&mut self) -> Option<Way> {
        self.ways.pop()
    }

    /// Ends a session; its streams hear why, and the provider, in one more packet.
    pub fn close(&mut self, session: SessionNo, reason: Reason, now: Instant) {
        if let Some(held) = self.held.get(&session) {
            held.end.lock().close(reason, now);
            self.settle(session);
        }
    }

    /// Ends them all.
    pub fn close_all(&mut self, reason: &Reason, now: Instant) {
        for number in self.held.keys().copied().collect::<Vec<_>>() {
            self.close(number, reason.clone(), now);
        }
    }

    /// Sessions that are not over.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Packets that count in the window.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.window.len()
    }

    /// Replies that would be read.
    #[must_use]
    pub fn replies(&self) -> usize {
        self.replies.len()
    }

    fn pass_window(&mut self, now: Instant) {
        while self.window.first().is_some_and(|(until, ..)| *until <= now) {
            self.window.pop_first();
            self.blocked = false;
        }
    }

    /// Takes note of whatever a session has to say.
    fn settle(&mut self, number: SessionNo) {
        let Some(held) = self.held.get_mut(&number) else { return };
        let mut end = held.end.lock();
        while let Some(block) = end.poll_forget() {
            if let Some(identifier) = held.blocks.remove(&block) {
                self.replies.remove(&identifier);
            }
        }
        while let Some(packet) = end.poll_arrived() {
            if let Some(Flight { until, route, .. }) = held.flights.remove(&packet) {
                self.window.remove(&(until, number, packet));
                self.ways.push(Way::Passed(route));
            }
        }
        while let Some(packet) = end.poll_lost() {
            if let Some(Flight { until, route, sent_at }) = held.flights.remove(&packet) {
                self.window.remove(&(until, number, packet));
                self.ways.push(Way::Lost { route, sent_at, until });
            }
        }
        drop(end);
        let over = held.end.wake().into_iter().find_map(|event| match event {
            mixbed_session::Event::Closed(reason) => Some(reason),
            _ => None,
        });
        if let Some(reason) = over {
            held.over = true;
            // A provider that has forgotten the session says so, and its packets arrive.
            let silent = reason.code() == Code::SessionLost && held.is_silent;
            for (packet, Flight { until, route, sent_at }) in std::mem::take(&mut held.flights) {
                self.window.remove(&(until, number, packet));
                if silent {
                    self.ways.push(Way::Lost { route, sent_at, until });
                }
            }
            let provider = held.provider;
            self.closed.push_back(Closed { session: number, provider, reason });
        }
    }

    fn remove(&mut self, number: SessionNo) {
        let Some(held) = self.held.remove(&number) else { return };
        for identifier in held.blocks.values() {
            self.replies.remove(identifier);
        }
        for (packet, Flight { until, .. }) in held.flights {
            self.window.remove(&(until, number, packet));
        }
    }
}

#[cfg(test)]
mod tests;
