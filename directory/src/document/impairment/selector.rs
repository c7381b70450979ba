//! Who stands at a link's end.

use std::fmt;
use std::str::FromStr;

use super::{LinkEnd, RuleError};
use crate::document::{Role, is_label};
use crate::limits::LAYERS;

/// Which nodes or clients a rule means. As text a word: `any`, `gateway`, `mix`, `provider`,
/// `client`, `mix-1` to `mix-3` for a layer, or else a node's name or the id of a node or client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Everybody.
    Any,
    /// All gateways.
    Gateway,
    /// All mixes.
    Mix,
    /// The mixes of one layer, 1 to 3.
    Layer(u8),
    /// All providers.
    Provider,
    /// All clients.
    Client,
    /// The node of this name, or the node or client with this id (16 hexadecimal digits). A node
    /// whose name is one of the words above can be meant by its id only.
    Named(String),
}

impl Selector {
    /// Whether it means whoever is at this end.
    #[must_use]
    pub fn matches(&self, end: LinkEnd<'_>) -> bool {
        match (self, end) {
            (Self::Any, _)
            | (Self::Client, LinkEnd::Client(_))
            | (Self::Gateway, LinkEnd::Node { role: Role::Gateway, .. })
            | (Self::Provider, LinkEnd::Node { role: Role::Provider, .. })
            | (Self::Mix, LinkEnd::Node { role: Role::Mix { .. }, .. }) => true,
            (Self::Layer(layer), LinkEnd::Node { role, .. }) => role.layer() == Some(*layer),
            (Self::Named(text), LinkEnd::Node { id, name, .. }) => {
                text == name || *text == id.to_string()
            }
            (Self::Named(text), LinkEnd::Client(id)) => *text == id.to_string(),
            _ => false,
        }
    }

    pub(super) fn validate(&self) -> Result<(), RuleError> {
        // What is written is what is read again: no name may be a word, no layer one too many.
        let text = self.to_string();
        if text.parse().is_ok_and(|again: Self| again == *self) {
            return Ok(());
        }
        Err(RuleError::Selector(text.chars().take(80).collect()))
    }
}

impl FromStr for Selector {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let layer = text.strip_prefix("mix-").and_then(|layer| layer.parse::<u8>().ok());
        match text {
            "any" => Ok(Self::Any),
            "gateway" => Ok(Self::Gateway),
            "mix" => Ok(Self::Mix),
            "provider" => Ok(Self::Provider),
            "client" => Ok(Self::Client),
            _ => match layer.filter(|layer| (1..=LAYERS).contains(layer)) {
                Some(layer) if text == format!("mix-{layer}") => Ok(Self::Layer(layer)),
                _ if is_label(text) => Ok(Self::Named(text.to_owned())),
                _ => Err(RuleError::Selector(text.chars().take(80).collect())),
            },
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.pad("any"),
            Self::Gateway => f.pad("gateway"),
            Self::Mix => f.pad("mix"),
            Self::Layer(layer) => f.pad(&format!("mix-{layer}")),
            Self::Provider => f.pad("provider"),
            Self::Client => f.pad("client"),
            Self::Named(text) => f.pad(text),
        }
    }
}
