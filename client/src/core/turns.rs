//! Whose packet is next.

use std::time::Instant;

use super::sessions::Sessions;
use super::{Messenger, Payload};

/// Messages and sessions in turns, within one window: at least half of it is there for each, if
/// the other one has enough to send.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    was_session: bool,
}

impl Turns {
    /// A packet to be sealed and sent now.
    pub fn poll<K>(
        &mut self,
        messenger: &mut Messenger<K>,
        sessions: &mut Sessions<K>,
        now: Instant,
    ) -> Option<Payload> {
        let window = messenger.total_window();
        let session_first = !self.was_session;
        for session in [session_first, !session_first] {
            let payload = if session {
                let left = window - messenger.under_way().min(window / 2);
                sessions.poll_transmit(left, now).map(Payload::Session)
            } else {
                let left = window - sessions.under_way().min(window / 2);
                let room = messenger.under_way() < left;
                room.then(|| messenger.poll_transmit()).flatten().map(Payload::Message)
            };
            if payload.is_some() {
                self.was_session = session;
                return payload;
            }
        }
        None
    }

    /// A packet for a tick on which nothing else would leave. Half the window is kept for others.
    pub fn poll_spare<K>(
        &self,
        messenger: &Messenger<K>,
        sessions: &mut Sessions<K>,
        now: Instant,
    ) -> Option<Payload> {
        let half = messenger.total_window() / 2;
        sessions.poll_spare(half, now).map(Payload::Session)
    }
}
