//! What a node is in the network.

use std::fmt;

/// A node's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Clients connect here; the first hop of what they send and the last node of what they get.
    Gateway,
    /// Delays and reorders.
    Mix {
        /// Its layer, 1 to 3 ([`crate::limits::LAYERS`]).
        layer: u8,
    },
    /// The exit: offers services.
    Provider,
}

impl Role {
    /// The mix's layer, if it is one.
    #[must_use]
    pub const fn layer(self) -> Option<u8> {
        match self {
            Self::Mix { layer } => Some(layer),
            Self::Gateway | Self::Provider => None,
        }
    }

    /// Whether routes may end in a service there: a provider's, or a gateway's mailboxes.
    #[must_use]
    pub const fn has_services(self) -> bool {
        matches!(self, Self::Gateway | Self::Provider)
    }

    /// The role's word, the same in metrics, spans and logs: `gateway`, `mix` or `provider`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Mix { .. } => "mix",
            Self::Provider => "provider",
        }
    }

    /// Makes a role of its word and, for a mix, its layer.
    pub fn parse(word: &str, layer: Option<u8>) -> Result<Self, ParseRoleError> {
        match (word, layer) {
            ("gateway", None) => Ok(Self::Gateway),
            ("provider", None) => Ok(Self::Provider),
            ("mix", Some(layer @ 1..=crate::limits::LAYERS)) => Ok(Self::Mix { layer }),
            ("mix", None) => Err(ParseRoleError::LayerMissing),
            ("mix", Some(layer)) => Err(ParseRoleError::NoSuchLayer(layer)),
            ("gateway" | "provider", Some(_)) => Err(ParseRoleError::LayerOfNoMix),
            _ => Err(ParseRoleError::NoSuchRole(word.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Words that make no [`Role`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseRoleError {
    /// Another word.
    #[error("a role is gateway, mix or provider, not {0:?}")]
    NoSuchRole(String),
    /// A mix has to say its layer.
    #[error("a mix needs a layer, 1 to 3")]
    LayerMissing,
    /// There are three layers.
    #[error("a mix's layer is 1 to 3, not {0}")]
    NoSuchLayer(u8),
    /// Only mixes have layers.
    #[error("only a mix has a layer")]
    LayerOfNoMix,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_there_and_back() {
        for role in [Role::Gateway, Role::Mix { layer: 2 }, Role::Provider] {
            assert_eq!(Role::parse(&role.to_string(), role.layer()), Ok(role));
        }
    }

    #[test]
    fn other_words_and_layers_are_refused() {
        assert_eq!(Role::parse("mix", Some(4)), Err(ParseRoleError::NoSuchLayer(4)));
        assert_eq!(Role::parse("mix", None), Err(ParseRoleError::LayerMissing));
        assert_eq!(Role::parse("gateway", Some(1)), Err(ParseRoleError::LayerOfNoMix));
        assert!(matches!(Role::parse("relay", None), Err(ParseRoleError::NoSuchRole(_))));
    }
}
