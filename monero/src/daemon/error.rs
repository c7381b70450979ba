//! Why monerod gave no usable answer.

use std::time::Duration;

use crate::rpc::RpcError;

/// Why a question to monerod has no answer.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The request itself failed.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// monerod is synchronising and does not answer this yet.
    #[error("monerod at {url} is busy synchronising; try again later")]
    Busy {
        /// The daemon's address.
        url: String,
    },
    /// monerod answered, with a status that is neither success nor BUSY.
    #[error("monerod at {url} answered with the unexpected status `{status}`")]
    Status {
        /// The daemon's address.
        url: String,
        /// Its status, in its own words.
        status: String,
    },
    /// Blocks were mined, and some transactions are still in none.
    #[error("{missing} of {wanted} transactions are in no block after {} s of mining", after.as_secs())]
    NotMined {
        /// How many are in no block.
        missing: usize,
        /// How many there are.
        wanted: usize,
        /// How long blocks were mined.
        after: Duration,
    },
}

impl DaemonError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rpc(error) => error.is_transient(),
            Self::Busy { .. } => true,
            Self::Status { .. } | Self::NotMined { .. } => false,
        }
    }

    /// What went wrong, in words for strangers: without monerod's address.
    #[must_use]
    pub fn public_words(&self) -> String {
        match self {
            Self::Rpc(error) => error.public_words(),
            Self::Busy { .. } => "it is busy synchronising".to_owned(),
            Self::Status { status, .. } => {
                format!("it answered with the unexpected status `{status}`")
            }
            Self::NotMined { .. } => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn words_for_strangers_do_not_have_the_address() {
        let url = || "http://monerod.internal:18081/json_rpc".to_owned();
        let why = || "no route to monerod.internal".to_owned();
        let errors = [
            RpcError::Address { address: url(), why: why() }.into(),
            RpcError::Connect { url: url(), why: why() }.into(),
            RpcError::TimedOut { url: url(), after: Duration::from_secs(1) }.into(),
            RpcError::Broken { url: url(), why: why() }.into(),
            RpcError::Http { url: url(), status: 503 }.into(),
            RpcError::TooLarge { url: url(), limit: 7 }.into(),
            RpcError::Malformed { url: url(), why: why() }.into(),
            DaemonError::Busy { url: url() },
            DaemonError::Status { url: url(), status: "MAYBE".to_owned() },
        ];
        for error in errors {
            let (own, public) = (error.to_string(), error.public_words());
            assert!(own.contains("monerod.internal"), "{own}");
            assert!(!public.is_empty() && !public.contains("internal"), "{public}");
        }
    }
}
