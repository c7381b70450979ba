//! Why a call to a directory failed.

use std::error::Error as _;
use std::time::Duration;

use tonic::{Code, Status};

use crate::document::DocumentError;
use crate::messages::Reason;

/// The metadata in which an authority names the [`Reason`] of a refusal.
pub(crate) const REASON_HEADER: &str = "mixbed-reason";

/// Why a directory could not be spoken with, or what it said no to.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ClientError {
    /// No such address can be.
    #[error("a directory's address is mixbed://host:port, not {0:?}")]
    Url(String),
    /// Not there, not answering, or the connection broke.
    #[error("the directory at {url} cannot be reached: {why}")]
    Unreachable {
        /// Its address.
        url: String,
        /// What the transport says.
        why: String,
    },
    /// It ended the stream of documents: it stops.
    #[error("the directory at {url} ended the connection")]
    Ended {
        /// Its address.
        url: String,
    },
    /// It understood, and refuses.
    #[error("the directory refuses ({reason}): {message}")]
    Rejected {
        /// The kind of refusal.
        reason: Reason,
        /// The directory's words.
        message: String,
    },
    /// It failed in another way.
    #[error("the directory at {url} answers {code:?}: {message}")]
    Failed {
        /// Its address.
        url: String,
        /// The gRPC code.
        code: Code,
        /// The directory's words.
        message: String,
    },
    /// No majority of several directories has the same list of nodes.
    #[error(
        "the directories take different nodes: set the list again, for example with `mixbed nodes set`"
    )]
    Disagree,
    /// What it sent is no signed document.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl ClientError {
    pub(super) fn silent(url: &str, timeout: Duration) -> Self {
        let why = format!("no answer within {timeout:?}");
        Self::Unreachable { url: url.to_owned(), why }
    }

    pub(super) fn of(url: &str, status: &Status) -> Self {
        let url = url.to_owned();
        let message = printable(status.message());
        let word = status.metadata().get(REASON_HEADER).and_then(|word| word.to_str().ok());
        match (word.and_then(Reason::from_word), status.code()) {
            (Some(reason), _) => Self::Rejected { reason, message },
            (
                None,
                Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded,
            ) => {
                // The transport's errors say little themselves; their causes say more.
                let mut why = message;
                let mut cause = status.source();
                while let Some(error) = cause {
                    let text = printable(&error.to_string());
                    if !why.contains(&text) {
                        why = format!("{why}: {text}");
                    }
                    cause = error.source();
                }
                Self::Unreachable { url, why }
            }
            (None, code) => Self::Failed { url, code, message },
        }
    }
}

/// Text from the network, fit for a log line.
fn printable(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
