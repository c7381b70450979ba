//! Which links a rule is about.

use mixbed_wire::NodeId;

use super::Selector;
use crate::document::{Descriptor, Role};

/// The links of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Links {
    /// From one end to another, in that direction only.
    Between {
        /// Who sends.
        from: Selector,
        /// Who receives.
        to: Selector,
    },
    /// All links of a node, in both directions.
    Of(Selector),
}

impl Links {
    /// Whether the link from one end to the other is among them.
    #[must_use]
    pub fn contain(&self, sender: LinkEnd<'_>, receiver: LinkEnd<'_>) -> bool {
        match self {
            Self::Between { from, to } => from.matches(sender) && to.matches(receiver),
            Self::Of(node) => node.matches(sender) || node.matches(receiver),
        }
    }

    /// The selectors in it.
    pub fn selectors(&self) -> impl Iterator<Item = &Selector> {
        let (first, second) = match self {
            Self::Between { from, to } => (from, Some(to)),
            Self::Of(node) => (node, None),
        };
        std::iter::once(first).chain(second)
    }
}

/// One end of a link, as much as a rule can ask of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEnd<'a> {
    /// A node.
    Node {
        /// Its id.
        id: NodeId,
        /// Its name.
        name: &'a str,
        /// Its role.
        role: Role,
    },
    /// A client.
    Client(NodeId),
}

impl<'a> From<&'a Descriptor> for LinkEnd<'a> {
    fn from(node: &'a Descriptor) -> Self {
        Self::Node { id: node.id(), name: &node.name, role: node.role }
    }
}
