//! Sessions, as the task keeps them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mixbed_directory::Rates;
use mixbed_session::{Code, Reason};
use mixbed_wire::{NodeId, ReplyKey};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::task::{Next, Task, Up};
use crate::core::{Closed, Messenger, Payload, Session, SessionError, SessionNo, Sessions, Turns};

/// How long the last packets may take to leave.
const LEAVING: Duration = Duration::from_millis(200);

/// How long replies may wait for the ticks of the gateway's clock, in seconds.
const WAIT: f64 = 0.5;

/// The least reply blocks that a session has: two packets full.
const BLOCKS: usize = 12;

/// A session that somebody wants to open a stream in.
pub(crate) struct Opening {
    /// The providers that it may be with, the best one first.
    pub(crate) providers: Vec<NodeId>,
    /// What sets it apart from others.
    pub(crate) isolation: Option<String>,
    pub(crate) reply: oneshot::Sender<Result<Session, SessionError>>,
}

/// All sessions, and what wakes the task for them.
pub(super) struct Streams {
    pub(super) sessions: Sessions<ReplyKey>,
    pub(super) turns: Turns,
    openings: mpsc::Receiver<Opening>,
    /// A stream did something.
    changed: Arc<Notify>,
    watchers: HashMap<SessionNo, AbortOnDropHandle<()>>,
}

impl Streams {
    pub(super) fn new(openings: mpsc::Receiver<Opening>) -> Self {
        Self {
            sessions: Sessions::default(),
            turns: Turns::default(),
            openings,
            changed: Arc::default(),
            watchers: HashMap::new(),
        }
    }

    /// Somebody wants a session, or a stream did something. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Opening> {
        tokio::select! {
            Some(opening) = self.openings.recv() => Some(opening),
            () = self.changed.notified() => None,
        }
    }

    /// What may be said twice, on a tick for which there is nothing else.
    pub(super) fn spare(&mut self, messenger: &Messenger<ReplyKey>) -> Option<Payload> {
        self.turns.poll_spare(messenger, &mut self.sessions, Instant::now())
    }

    fn open(
        &mut self,
        opening: &Opening,
        limits: mixbed_session::Limits,
    ) -> Result<Session, SessionError> {
        let Opening { providers, isolation, .. } = opening;
        let now = Instant::now();
        let isolation = isolation.as_deref();
        let session = self.sessions.choose(providers, isolation, limits, now, &mut rand::rng())?;
        self.watchers.entry(session.number).or_insert_with(|| {
            let (end, changed) = (Arc::clone(&session.end), Arc::clone(&self.changed));
            AbortOnDropHandle::new(tokio::spawn(async move {
                loop {
                    end.changed().await;
                    changed.notify_one();
                }
            }))
        });
        Ok(session)
    }
}

impl Task {
    /// What [`Streams::next`] told.
    pub(super) fn handle_streams(&mut self, opening: Option<Opening>) {
        let Some(opening) = opening else { return self.streams.sessions.handle_changed() };
        let session = self.streams.open(&opening, self.session_limits());
        // Whoever asked may have gone: the session then stays idle until it is closed.
        let _ = opening.reply.send(session);
    }

    /// Reply blocks are to be used while the mixes still have the keys that they were made for. And
    /// there are to be no more of them than replies come down a link with a clock while one goes
    /// round: others would wait at the gateway, longer and longer, until they are taken for lost.
    fn session_limits(&self) -> mixbed_session::Limits {
        let mut limits = mixbed_session::Limits::default();
        if let Some(document) = self.directory.current() {
            let parameters = &document.parameters;
            let epochs = u32::try_from(parameters.key_grace()).unwrap_or(1);
            // A quarter is left for the reply's own way.
            let life = parameters.epoch_length.saturating_mul(epochs) / 4 * 3;
            limits.block_life = limits.block_life.min(life).max(Duration::from_secs(1));
            let Rates { payload, drop, client_loop, downlink, .. } = parameters.rates;
            if downlink > 0.0 {
                let tick = if payload > 0.0 { payload.recip() } else { 0.0 };
                let round = parameters.mean_hop_delay.as_secs_f64() * 9.0 + tick;
                // Drops and loops are answered too, and each tick may be one.
                let left = (downlink - payload - drop - client_loop).max(downlink / 4.0);
                limits.blocks = limits.blocks.min(blocks_for(left * (round + WAIT)));
            }
        }
        limits
    }

    /// What the packets of sessions tell, and which sessions are over.
    pub(super) fn hear_of_sessions(&mut self) {
        let now = Instant::now();
        self.metrics.sessions.set(i64::try_from(self.streams.sessions.len()).unwrap_or(i64::MAX));
        while let Some(way) = self.streams.sessions.poll_way() {
            self.messenger.handle_way(&way, now);
        }
        while let Some(Closed { session, provider, reason }) = self.streams.sessions.poll_closed() {
            tracing::debug!(%provider, %reason, "a session is over");
            self.streams.watchers.remove(&session);
        }
    }

    /// The client stops: whoever reads or writes hears of it; and so do the providers, unless that
    /// would leave outside the ticks.
    pub(super) async fn end_sessions(&mut self) {
        let sessions = &mut self.streams.sessions;
        let open = sessions.len();
        sessions.close_all(&Reason::from(Code::Stopped), Instant::now());
        if open == 0 || self.cover.paces_payload() {
            return;
        }
        for _ in 0..open {
            if !matches!(self.transmit(), Next::Sent) {
                break;
            }
        }
        if let Some(Up { packets, .. }) = self.link.take() {
            // There is room for all when all have been taken out.
            let taken = packets.reserve_many(packets.max_capacity());
            let _ = tokio::time::timeout(LEAVING, taken).await;
        }
    }
}

/// At least [`BLOCKS`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are not below 0, and a cast that is too large saturates"
)]
fn blocks_for(wanted: f64) -> usize {
    (wanted as usize).max(BLOCKS)
}
