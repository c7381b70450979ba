//! How much a provider holds for sessions.

use std::time::Duration;

use mixbed_session::{FIRST_SESSION_WINDOW, Limits};

/// Bounds of a provider's sessions. With the defaults all of them together take at most about
/// 500 MiB, and that only under attack: 512 windows, 200 MiB to be read and as much to be sent (see
/// [`windows`](Self::windows)), and 0.2 MiB of reply blocks each. What honest clients leave is a few
/// kB each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionBounds {
    /// Sessions at once. Default 512: as many users as a client's SOCKS port keeps apart.
    pub sessions: usize,
    /// When there is no room, a session that nothing was heard of for so long makes it. Default
    /// 30 s. One without streams makes it at once.
    pub grace: Duration,
    /// What each session may have. Default: 64 streams, 2 MiB in each direction.
    pub each: Limits,
    /// Bytes that the sessions share in each direction: one that begins as the *n*th has a window of an
    /// *n*th of it, within what [`each`](Self::each) and a session's first window allow. Default
    /// 32 MiB: the first 16 have 2 MiB each, 32 MiB · ln(128 / 16) are left for the next 112, and the
    /// others have a first window, 256 KiB.
    pub windows: usize,
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
            sessions: 512,
            grace: Duration::from_secs(30),
            each: Limits {
                stream_window: 1 << 20,
                session_window: 2 << 20,
                send_buffer: 512 << 10,
                ..Limits::default()
            },
            windows: 32 << 20,
            stream_idle: Duration::from_secs(600),
            sockets: 512,
            connect: Duration::from_secs(10),
        }
    }
}

impl SessionBounds {
    /// What the next session may have, while there are so many.
    pub(super) fn next(&self, sessions: usize) -> Limits {
        let share = (self.windows / (sessions + 1)).max(FIRST_SESSION_WINDOW);
        Limits { session_window: self.each.session_window.min(share), ..self.each }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_windows_together_are_bounded() {
        let bounds = SessionBounds::default();
        let windows = |sessions| bounds.next(sessions).session_window;
        assert_eq!((windows(0), windows(15), windows(16)), (2 << 20, 2 << 20, (32 << 20) / 17));
        assert_eq!(windows(bounds.sessions - 1), FIRST_SESSION_WINDOW);
        assert!((0..bounds.sessions).map(windows).sum::<usize>() < 200 << 20);
    }
}
