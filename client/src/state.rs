//! How a client is.

use std::fmt;
use std::time::Duration;

/// How a client is. It changes by itself, for better or worse, until the client is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has just started: no document or no link to a gateway yet, and nothing went wrong.
    Connecting,
    /// It has a document and a link.
    Ready,
    /// Something is wrong, and the client keeps trying.
    Degraded {
        /// What.
        why: String,
        /// Whether packets can be sent all the same, for instance by the last good document while
        /// the directory is away.
        sending: bool,
    },
    /// It was stopped.
    Stopped,
}

impl State {
    /// Whether packets can be sent.
    #[must_use]
    pub fn can_send(&self) -> bool {
        matches!(self, Self::Ready | Self::Degraded { sending: true, .. })
    }

    /// The state's word, the same in logs and output.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Degraded { .. } => "degraded",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Degraded { why, .. } => write!(f, ": {why}"),
            _ => Ok(()),
        }
    }
}

/// A client could not send in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client was not ready within {:.3} s; it is {state}", waited.as_secs_f32())]
pub struct NotReady {
    /// How long was waited.
    pub waited: Duration,
    /// How the client is.
    pub state: State,
}
