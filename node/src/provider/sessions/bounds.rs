//! How much a provider holds for sessions.

use std::time::Duration;

use mixbed_session::Limits;

/// Bounds of a provider's sessions. With the defaults all of them together take at most about
/// 600 MiB, and that only under attack: 256 times 1 MiB to be read, 1 MiB to be sent and 0.2 MiB of
/// reply blocks. What honest clients leave is a few kB each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionBounds {
    /// Sessions at once. Default 256.
    pub sessions: usize,
    /// When there is no room, a session that nothing was heard of for so long makes it. Default
    /// 30 s. One without streams makes it at once.
    pub grace: Duration,
    /// What each session may have. Default: 64 streams, 1 MiB in each direction.
    pub each: Limits,
    /// How long a stream lasts on which nothing moves. Default 10 min: wallets keep connections that
    /// they use once in some minutes.
    pub stream_idle: Duration,
    /// Connections of the service `tcp` at once, those that are being made included. When there are
    /// so many, one on which nothing has moved for longer than `grace` makes room. Default 512.
    pub sockets: usize,
    /// How long a connection may take to be made, its name's look-up included. Default 10 s.
    pub connect: Duration,
}

impl Default for SessionBounds {
    fn default() -> Self {
        Self {
            sessions: 256,
            grace: Duration::from_secs(30),
            each: Limits {
                streams: 64,
                stream_window: 512 << 10,
                session_window: 1 << 20,
                send_buffer: 512 << 10,
                ..Limits::default()
            },
            stream_idle: Duration::from_secs(600),
            sockets: 512,
            connect: Duration::from_secs(10),
        }
    }
}
