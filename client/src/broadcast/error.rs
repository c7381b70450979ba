//! Why a transaction is not known to have been broadcast.

use std::time::Duration;

use mixbed_monero::{Flag, TxId};

use crate::request::RequestError;

/// Why a transaction is not known to have been broadcast.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastError {
    /// There is nothing to send.
    #[error("the transaction is empty")]
    Empty,
    /// It is larger than a message may be, and far larger than any that monerod takes.
    #[error("{0} bytes are more than a message carries, and more than monerod takes")]
    TooLarge(usize),
    /// monerod refuses it, and will again.
    #[error("monerod rejects the transaction: {words}")]
    Rejected {
        /// Why, in words.
        words: String,
        /// What monerod named as wrong.
        flags: Vec<Flag>,
        /// The provider that said so.
        provider: String,
    },
    /// monerod could not be made to answer. To try again is safe.
    #[error("{provider} has the transaction, but its monerod is unavailable: {words}")]
    Unavailable {
        /// Why, in words.
        words: String,
        /// The provider that said so.
        provider: String,
    },
    /// A provider says "accepted" of something else: its word is worth nothing.
    #[error("{provider} says that it broadcast {theirs}, but this transaction is {ours}")]
    WrongTransaction {
        /// The provider.
        provider: String,
        /// What it says.
        theirs: String,
        /// The id computed here.
        ours: String,
    },
    /// A provider says "accepted", but the bytes cannot be read here, so that there is no id to
    /// compare. It may be true; it is no success.
    #[error(
        "{provider} says that its monerod took the bytes{}, but this client cannot read them as a \
         transaction, so it cannot tell whether that is true: look for it in the chain",
        theirs.map(|txid| format!(" as {txid}")).unwrap_or_default()
    )]
    Unverifiable {
        /// The provider.
        provider: String,
        /// The id that it gives them.
        theirs: Option<TxId>,
    },
    /// The provider's answer cannot be read.
    #[error("{0} gave an answer that cannot be read: its version may be another")]
    BadAnswer(String),
    /// The deadline passed. The transaction may have arrived or not; to try again is safe.
    #[error("no word of the transaction within {} s: {tried}", tenths(*deadline))]
    DeadlinePassed {
        /// The deadline.
        deadline: Duration,
        /// What was tried, in words.
        tried: String,
    },
    /// A provider says that its monerod has it, another does not know it after all the time that it
    /// takes from one to the other, and there is nobody else to give it to.
    #[error(
        "{provider} says that its monerod has the transaction, but {denied_by} did not know of it \
         {} s later: to broadcast it again is safe",
        after.as_secs()
    )]
    Unconfirmed {
        /// The provider that says so.
        provider: String,
        /// The provider that does not know it.
        denied_by: String,
        /// How long after the one's word the other still did not know it.
        after: Duration,
    },
    /// What is to wait at a provider has to be asked for later, by its id.
    #[error("bytes that cannot be read as a transaction cannot wait at a provider")]
    CannotWait,
    /// Nothing was sent.
    #[error("nothing was sent: {why}")]
    NotReady {
        /// Why.
        why: String,
    },
    /// The request failed otherwise; see there.
    #[error(transparent)]
    Request(RequestError),
}

/// Seconds, to the tenth: what is left of a deadline of 2 s is said as 2 s.
fn tenths(time: std::time::Duration) -> f32 {
    (time.as_secs_f32() * 10.0).round() / 10.0
}

impl BroadcastError {
    /// Whether the same provider may do better a moment later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. }
                | Self::NotReady { .. }
                | Self::DeadlinePassed { .. }
                | Self::Request(RequestError::ProviderGone { .. } | RequestError::Failed { .. })
        )
    }

    /// Whether another provider may do better.
    pub(super) fn is_the_providers(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::WrongTransaction { .. }
            | Self::Unverifiable { .. }
            | Self::BadAnswer(_)
            | Self::NotReady { .. }
            | Self::DeadlinePassed { .. } => true,
            Self::Request(error) => matches!(
                error,
                RequestError::ProviderGone { .. }
                    | RequestError::UnknownService { .. }
                    | RequestError::Failed { .. }
                    | RequestError::Refused { .. }
                    | RequestError::TooLarge(_)
            ),
            Self::Empty
            | Self::TooLarge(_)
            | Self::Rejected { .. }
            | Self::Unconfirmed { .. }
            | Self::CannotWait => false,
        }
    }
}

impl From<RequestError> for BroadcastError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NotReady(why) => Self::NotReady { why: why.to_string() },
            RequestError::DeadlinePassed { provider, deadline, tried } => {
                Self::DeadlinePassed { deadline, tried: format!("to {provider}: {tried}") }
            }
            other => Self::Request(other),
        }
    }
}
