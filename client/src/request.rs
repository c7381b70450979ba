//! A request, its answer, and why there is none.

use std::time::Duration;

use mixbed_wire::message;

use crate::core::Tried;
use crate::state::NotReady;

/// How a request is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestOptions {
    /// When to give up, from now. Default 60 s.
    pub deadline: Duration,
    /// The provider, by name. Default: a random one that offers the service.
    pub provider: Option<String>,
    /// When to give up already if nothing at all has come back, counted from when its first packet
    /// has left: its provider is likely to be dead, and another one may be asked. Default: at the
    /// deadline.
    pub unheard: Option<Duration>,
    /// How many bytes the answer is expected to have. Reply blocks for so many, up to 170 kB, go
    /// right behind the request, so that the answer comes in one round trip. A wrong guess
    /// costs a round trip, or a packet for each 16 kB too many. Default 0: what one reply brings.
    pub expected: usize,
    /// Whether to trace it: every hop reports the packet's stay, and whoever collects the reports
    /// sees its whole way. Refused if the network's document does not allow it. Default false.
    pub traced: bool,
}

impl Default for RequestOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            provider: None,
            unheard: None,
            expected: 0,
            traced: false,
        }
    }
}

/// A service's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it said.
    pub data: Vec<u8>,
    /// The provider that said it.
    pub provider: String,
    /// From the request to the answer's last part.
    pub elapsed: Duration,
    /// The sum of all delays drawn for the packet that the last part answers, there and back.
    pub mixing_delay: Duration,
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets received.
    pub packets_received: u64,
    /// How many of the packets sent said what an earlier one had said.
    pub retransmissions: u64,
    /// The W3C id of its trace.
    pub trace_id: Option<[u8; 16]>,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The service's name or the request's size.
    #[error(transparent)]
    Invalid(#[from] message::RequestError),
    /// Nothing could be sent: no document, or no link. The provider has not heard of it.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The network's document does not allow tracing.
    #[error(
        "this network does not allow tracing: send it untraced, or allow tracing in the \
         directory's parameters (tracing_allowed)"
    )]
    TracingNotAllowed,
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
    /// Too many messages are under way.
    #[error("{0} messages are under way already: wait for one of them to be answered")]
    TooManyMessages(usize),
    /// The deadline passed. Whether the service got the request is not known.
    #[error("no answer from {provider} within {} s: {tried}", deadline.as_secs_f32())]
    DeadlinePassed {
        /// The provider.
        provider: String,
        /// The deadline.
        deadline: Duration,
        /// What was done.
        tried: Tried,
    },
    /// The provider left the network meanwhile. Whether its service got the request is not known.
    #[error("{provider} has left the network ({tried}): ask another one")]
    ProviderGone {
        /// The provider.
        provider: String,
        /// What was done.
        tried: Tried,
    },
    /// The provider does not offer the service, although its descriptor says so.
    #[error("{provider} says that it does not offer {service}")]
    UnknownService {
        /// The provider.
        provider: String,
        /// The service.
        service: String,
    },
    /// The service refused the request, and will again.
    #[error("{provider} refused: {words}")]
    Refused {
        /// The provider.
        provider: String,
        /// Its words.
        words: String,
    },
    /// The service could not do it now.
    #[error("{provider} could not do it: {words}")]
    Failed {
        /// The provider.
        provider: String,
        /// Its words.
        words: String,
    },
    /// The answer would be larger than a message may be.
    #[error("{0} says that the request or its answer is larger than a message may be (1 MiB)")]
    TooLarge(String),
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
}

pub(crate) fn no_provider(service: &str, provider: Option<&str>, known: &[String]) -> String {
    let offered = match known {
        [] => "no provider of the network does".to_owned(),
        known => format!("it is offered by {}", known.join(", ")),
    };
    match provider {
        Some(provider) => {
            format!("the network has no provider {provider} that offers {service}; {offered}")
        }
        None => format!("nobody offers {service}: {offered}"),
    }
}

impl RequestError {
    /// The kind, as a metric's label.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::NotReady(_) => "not_ready",
            Self::TracingNotAllowed => "tracing_not_allowed",
            Self::NoProvider { .. } => "no_provider",
            Self::TooManyMessages(_) => "too_many_messages",
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::ProviderGone { .. } => "provider_gone",
            Self::UnknownService { .. } => "unknown_service",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::TooLarge(_) => "too_large",
            Self::Stopped => "stopped",
        }
    }
}
