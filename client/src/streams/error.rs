//! Why there is no stream.

use std::time::Duration;

use mixbed_session::{OpenError, Reason};

use crate::core::SessionError;
use crate::request::{RequestError, no_provider};
use crate::state::NotReady;

/// Why a stream was not opened.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Nothing could be sent: no document, or no link. The provider has not heard of it.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// There is no such provider, or none with the service.
    #[error("{}", no_provider(service, provider.as_deref(), known))]
    NoProvider {
        /// The service.
        service: String,
        /// The provider that was asked for.
        provider: Option<String>,
        /// The providers that offer the service.
        known: Vec<String>,
    },
    /// The service's or the target's name, or too many streams.
    #[error(transparent)]
    Invalid(#[from] OpenError),
    /// Too many sessions are in use.
    #[error(transparent)]
    TooManySessions(SessionError),
    /// The provider, or its service, has refused it.
    #[error("{provider} refused: {reason}")]
    Refused {
        /// The provider.
        provider: String,
        /// Why.
        reason: Reason,
    },
    /// The session with the provider was lost, and there was no time, or nobody, for another one.
    #[error("the session with {provider} was lost: {reason}")]
    SessionLost {
        /// The provider.
        provider: String,
        /// Why.
        reason: Reason,
    },
    /// The deadline passed. Whether the provider has connected to the target is not known.
    #[error("{provider} has not said within {} s whether it grants the stream", deadline.as_secs_f32())]
    DeadlinePassed {
        /// The provider.
        provider: String,
        /// The deadline.
        deadline: Duration,
    },
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
}

impl StreamError {
    /// The kind, as a metric's label.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotReady(_) => "not_ready",
            Self::NoProvider { .. } => "no_provider",
            Self::Invalid(_) => "invalid",
            Self::TooManySessions(_) => "too_many_sessions",
            Self::Refused { .. } => "refused",
            Self::SessionLost { .. } => "session_lost",
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::Stopped => "stopped",
        }
    }

    /// What looking for a provider ended with.
    pub(super) fn of_request(error: RequestError) -> Self {
        match error {
            RequestError::NotReady(error) => Self::NotReady(error),
            RequestError::NoProvider { service, provider, known } => {
                Self::NoProvider { service, provider, known }
            }
            // Nothing else comes of waiting for a document and reading it.
            _ => Self::Stopped,
        }
    }
}
