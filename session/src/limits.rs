//! What one end of a session may hold, and how long it waits.

use std::time::Duration;

use crate::{FIRST_SESSION_WINDOW, FIRST_STREAM_WINDOW};

/// What one end of a session may hold, and how long it waits. Both ends may have different ones, but
/// for [`streams`](Self::streams).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Streams open at once: the same at both ends, as a provider takes no opening beyond it.
    pub streams: usize,
    /// Bytes of one stream that may wait here to be read; at least
    /// [`FIRST_STREAM_WINDOW`].
    pub stream_window: usize,
    /// Bytes of all streams that may wait here to be read; at least
    /// [`FIRST_SESSION_WINDOW`].
    pub session_window: usize,
    /// Bytes of one stream that wait here to be sent or to be known as arrived. A session's are at
    /// most [`session_window`](Self::session_window).
    pub send_buffer: usize,
    /// Packets under way in this direction.
    pub in_flight: usize,
    /// Reply blocks at the provider, or on their way there. A provider keeps no more.
    pub blocks: usize,
    /// How long the mixes open a reply block after it was made: what is older is not counted on. It
    /// depends on the length of the epochs.
    pub block_life: Duration,
    /// How long a session lasts without streams (client), or without packets (provider).
    pub idle: Duration,
    /// How long a client that asks and asks waits for any answer, at least.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: 64,
            stream_window: 1 << 20,
            session_window: 4 << 20,
            send_buffer: 1 << 20,
            in_flight: 1024,
            blocks: 512,
            block_life: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            silence: Duration::from_secs(8),
        }
    }
}

impl Limits {
    /// With windows no smaller than those that the other end takes for granted.
    #[must_use]
    pub(crate) fn sound(mut self) -> Self {
        self.stream_window = self.stream_window.max(FIRST_STREAM_WINDOW);
        self.session_window = self.session_window.max(FIRST_SESSION_WINDOW);
        self.streams = self.streams.max(1);
        self.in_flight = self.in_flight.clamp(1, 1024);
        self.blocks = self.blocks.clamp(1, 4096);
        self
    }
}
