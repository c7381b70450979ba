//! What can go wrong between a request and its typed answer.

use std::time::Duration;

/// Why a request to monerod or monero-wallet-rpc brought no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The address given for the daemon or wallet cannot be used.
    #[error(
        "`{address}` is not an address of a Monero RPC server ({why}); give http://HOST:PORT or https://HOST:PORT"
    )]
    Address {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// No connection: nothing listens there, or the network is down.
    #[error("cannot connect to {url}: {why}; is it running?")]
    Connect {
        /// The address that was tried.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// No complete answer in time.
    #[error("{url} did not answer within {} ms", after.as_millis())]
    TimedOut {
        /// The address that was asked.
        url: String,
        /// How long it had.
        after: Duration,
    },
    /// The connection broke before the answer was complete.
    #[error("the connection to {url} broke before the answer was complete: {why}")]
    Broken {
        /// The address that was asked.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// It wants a login, or another one.
    #[error("{url} {}", if *.given { "refuses the login" } else { "wants a login (its --rpc-login)" })]
    Login {
        /// The address that was asked.
        url: String,
        /// Whether there was one.
        given: bool,
    },
    /// An HTTP status other than 200.
    #[error("{url} answered with HTTP status {status}")]
    Http {
        /// The address that was asked.
        url: String,
        /// The HTTP status code.
        status: u16,
    },
    /// An answer larger than any honest one.
    #[error("{url} sent more than {limit} bytes; the rest was not read")]
    TooLarge {
        /// The address that was asked.
        url: String,
        /// The bound, in bytes.
        limit: usize,
    },
    /// An answer that is not the JSON it should be.
    #[error("{url} sent an answer that cannot be understood: {why}")]
    Malformed {
        /// The address that was asked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A JSON-RPC error object.
    #[error("{method} failed with code {code}: {message}")]
    Refused {
        /// The JSON-RPC method that was called.
        method: String,
        /// The error code: -32601 is an unknown method, the others are the program's own.
        code: i64,
        /// The program's own words.
        message: String,
    },
}

impl RpcError {
    /// Whether the same request may succeed later: the program was away, slow, or cut off.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::TimedOut { .. } | Self::Broken { .. } => true,
            // A proxy or a daemon that is shutting down answers 5xx; the others are for good.
            Self::Http { status, .. } => *status >= 500,
            Self::Address { .. }
            | Self::Login { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// What went wrong, in words for strangers: without the server's address, which is nobody's
    /// business but the operator's.
    #[must_use]
    pub fn public_words(&self) -> String {
        match self {
            Self::Address { .. } => "its address cannot be used".to_owned(),
            Self::Connect { .. } => "it cannot be connected to".to_owned(),
            Self::TimedOut { after, .. } => {
                format!("it did not answer within {} ms", after.as_millis())
            }
            Self::Broken { .. } => "the connection broke before the answer was complete".to_owned(),
            Self::Login { .. } => "it does not let this provider in".to_owned(),
            Self::Http { status, .. } => format!("it answered with HTTP status {status}"),
            Self::TooLarge { limit, .. } => format!("it sent more than {limit} bytes"),
            Self::Malformed { .. } => "it sent an answer that cannot be understood".to_owned(),
            Self::Refused { method, code, .. } => format!("{method} failed with code {code}"),
        }
    }

    /// The JSON-RPC error code, if that is what this is.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}
