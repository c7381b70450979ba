//! Whom a follower believes.

use super::check;
use crate::identity::IdentityPublic;

/// The authorities of a network, and how many of them have to sign a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The network's name, as in [`Document::network`](super::Document::network).
    pub network: String,
    /// The authorities' keys.
    pub keys: Vec<IdentityPublic>,
    /// How many different ones of them have to sign; 0 counts as 1.
    pub threshold: usize,
}

impl Trust {
    /// Trust in one authority.
    #[must_use]
    pub fn single(network: impl Into<String>, key: IdentityPublic) -> Self {
        Self { network: network.into(), keys: vec![key], threshold: 1 }
    }

    /// Trust in a majority of several authorities, or in the only one.
    #[must_use]
    pub fn majority(network: impl Into<String>, keys: Vec<IdentityPublic>) -> Self {
        let threshold = keys.len() / 2 + 1;
        Self { network: network.into(), keys, threshold }
    }

    /// Whether any document can satisfy it at all.
    pub fn validate(&self) -> Result<(), TrustError> {
        if !check::is_label(&self.network) {
            return Err(TrustError::Network(self.network.chars().take(80).collect()));
        }
        let mut keys = self.keys.clone();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() < self.threshold.max(1) {
            return Err(TrustError::Threshold { keys: keys.len(), need: self.threshold.max(1) });
        }
        Ok(())
    }
}

/// Trust that no document can satisfy.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TrustError {
    /// No network has such a name.
    #[error("a network's name is 1 to 63 of a-z, 0-9 and -, not {0:?}")]
    Network(String),
    /// More signatures asked for than there are authorities.
    #[error("{need} authorities have to sign, but only {keys} are known: give their public keys")]
    Threshold {
        /// Different keys.
        keys: usize,
        /// Signatures asked for.
        need: usize,
    },
}
